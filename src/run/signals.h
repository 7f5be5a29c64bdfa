/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signals.h - the signals by which somebody asks something of the run.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

struct signals {
	struct loop *loop; /* NULL while closed */
	struct loop_source source;
	uint64_t first_ns[NSIG]; /* when each of them came first; 0: it has not */
	void (*on_request)(void *data, int number, bool is_urgent);
	void *data;
};

/** How long after the first one the same signal is a request of its own. */
enum { SIGNALS_PATIENCE_MS = 1000 };

/**
 * signals_open() - block signals, for this process and all that it starts, and hear of some
 * @on_request: called for each SIGINT, SIGTERM, SIGHUP and SIGUSR1. @is_urgent: somebody insists:
 * it is a second SIGINT, or the same signal again after SIGNALS_PATIENCE_MS
 *
 * One request can come as several signals within a moment: systemd sends SIGTERM and SIGHUP
 * (SendSIGHUP=yes), and a wrapper may pass on what the whole process group has got anyway.
 *
 * Call this before any other process is started, so that no signal is lost. Signals that stop or
 * abort a process keep their default action: the guardian then undoes everything.
 *
 * Return: 0 or -errno, reported.
 */
int signals_open(struct signals *signals, struct loop *loop,
		 void (*on_request)(void *data, int number, bool is_urgent), void *data);

/** signals_close() - stop listening. The signals stay blocked. Safe to repeat. */
void signals_close(struct signals *signals);
