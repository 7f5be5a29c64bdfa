// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * restart.c - a policy, and a delay that grows.
 */
#include "run/restart.h"

enum {
	RESTART_FIRST_MS = 100,
	RESTART_LAST_MS = 10000,
	RESTART_PROOF_MS = 10000, /* ready for so long: it works */
};

bool restart_is_wanted(enum plan_restart policy, bool has_succeeded)
{
	return policy == PLAN_RESTART_ALWAYS ||
	       (policy == PLAN_RESTART_ON_FAILURE && !has_succeeded);
}

void restart_ready(struct restart *restart, bool is_ready, uint64_t now_ns)
{
	if (restart->ready_ns && now_ns - restart->ready_ns >= RESTART_PROOF_MS * 1000000ULL)
		restart->delay_ms = 0;
	if (!is_ready)
		restart->ready_ns = 0;
	else if (!restart->ready_ns)
		restart->ready_ns = now_ns;
}

unsigned int restart_next_ms(struct restart *restart)
{
	if (restart->delay_ms == 0)
		restart->delay_ms = RESTART_FIRST_MS;
	else if (restart->delay_ms < RESTART_LAST_MS / 2)
		restart->delay_ms *= 2;
	else
		restart->delay_ms = RESTART_LAST_MS;
	return restart->delay_ms;
}
