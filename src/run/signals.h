/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signals.h - the signals by which somebody asks the run to stop.
 */
#pragma once

#include "base/loop.h"

struct signals {
	struct loop *loop; /* NULL while closed */
	struct loop_source source;
	void (*on_request)(void *data);
	void *data;
};

/**
 * signals_open() - block signals, for this process and all that it starts, and listen for some
 * @on_request: called for each SIGINT, SIGTERM and SIGHUP
 *
 * Call this before any other process is started, so that no signal is lost. Signals that stop or
 * abort a process keep their default action: the guardian then undoes everything.
 *
 * Return: 0 or -errno, reported.
 */
int signals_open(struct signals *signals, struct loop *loop, void (*on_request)(void *data),
		 void *data);

/** signals_close() - stop listening. The signals stay blocked. Safe to repeat. */
void signals_close(struct signals *signals);
