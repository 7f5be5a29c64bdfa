/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restart.h - whether a copy that has ended by itself starts again, and after how long. Pure.
 *
 * The first time it starts again after 100 ms. Each time after that it waits twice as long, up to
 * 10 s: a program that cannot run keeps nobody busy. When it has been ready for 10 s, it has proved
 * that it can, and the next time counts as the first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

/** What is known of one copy. A member of its owner's structure. All zeros: it has not ended yet.
 */
struct restart {
	unsigned int delay_ms; /* how long it waited the last time; 0: it has not waited */
	uint64_t ready_ns;     /* since when it is ready, CLOCK_MONOTONIC; 0: it is not ready */
};

/**
 * restart_is_wanted() - does a copy that has ended by itself start again?
 * @has_succeeded: its exit status was 0
 */
bool restart_is_wanted(enum plan_restart policy, bool has_succeeded);

/** restart_ready() - the copy is ready, or is not ready any more. @now_ns: CLOCK_MONOTONIC */
void restart_ready(struct restart *restart, bool is_ready, uint64_t now_ns);

/** restart_next_ms() - it has ended, and is not ready: how long does it wait this time? */
unsigned int restart_next_ms(struct restart *restart);
