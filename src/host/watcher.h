/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watcher.h - what the guardian's process does from its birth to its end, and what it is told by
 * the manager: for guardian.c.
 */
#pragma once

#include "host/guardian.h"

/* What the manager sends. The first two come with two descriptors. */
enum guardian_kind {
	GUARDIAN_TABLE = 't',
	GUARDIAN_COPY = 'c',
	GUARDIAN_DROP = 'd',
	GUARDIAN_END = 'e',
};

struct guardian_message {
	enum guardian_kind kind;
	struct guardian_copy copy;
};

/** EX_TEMPFAIL of sysexits.h */
enum { WATCHER_LOCKED = 75 };

/**
 * watcher_main() - undo what killed runs have left; make this run's log and send it; wait until the
 * run is over; undo it
 * @lifeline: socket to the manager
 * @manager:  pidfd of the manager
 * @is_taken: see guardian_start()
 *
 * Return: the process's exit status: EXIT_SUCCESS, nothing is left to undo; WATCHER_LOCKED,
 * something is, since another process holds the lock of the runtime directory; EXIT_FAILURE.
 */
int watcher_main(int lifeline, int manager, bool (*is_taken)(unsigned int index, void *data),
		 void *data);
