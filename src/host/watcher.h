/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watcher.h - the guardian's process, and the messages that the manager sends to it: for
 * guardian.c.
 */
#pragma once

#include "host/guardian.h"
#include "net/table.h"

/* What the manager sends. The first two messages come with two descriptors each. */
enum guardian_kind {
	GUARDIAN_TABLE = 't',
	GUARDIAN_COPY = 'c',
	GUARDIAN_DROP = 'd',
	GUARDIAN_END = 'e',
};

struct guardian_message {
	enum guardian_kind kind;
	char table[NFT_TABLE_MAX]; /* GUARDIAN_TABLE */
	struct guardian_copy copy; /* GUARDIAN_COPY, GUARDIAN_DROP */
};

/** An exit status of watcher_main(): EX_TEMPFAIL of sysexits.h. */
enum { WATCHER_LOCKED = 75 };

/**
 * watcher_main() - the life of the guardian's process
 * @lifeline: socket to the manager
 * @manager:  pidfd of the manager
 * @kept:     a descriptor to keep open, too; -1: none
 * @is_taken: see guardian_start()
 *
 * Undoes what killed runs have left; makes this run's log and sends it to the manager; waits until
 * the run is over; undoes the run.
 *
 * Return: the process's exit status: EXIT_SUCCESS: nothing is left to undo; WATCHER_LOCKED:
 * something is, because another process holds the lock of the runtime directory; EXIT_FAILURE.
 */
int watcher_main(int lifeline, int manager, int kept,
		 bool (*is_taken)(unsigned int index, void *data), void *data);
