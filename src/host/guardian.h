/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guardian.h - the process that unmakes what a run has made, however the run ends.
 *
 * It is started before anything is changed, creates the run's undo log, and then waits at one end
 * of a socket, the lifeline. The manager and the first process of every copy hold the other end.
 * When the last of them is gone, by whatever death, the guardian plays the log backwards.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct guardian {
	pid_t pid;
	int pidfd;          /* readable when the guardian has ended; -1: there is none */
	int lifeline;       /* for the first process of every copy to keep */
	int log;            /* the undo log, for the record_note_*() functions */
	unsigned int index; /* of this run among those of this network namespace */
	int start_lock;     /* held until the names and addresses of this run are taken */
};

/** Nothing is running: for guardian_finish() to be right from the beginning. */
#define GUARDIAN_NONE ((struct guardian){.pidfd = -1, .lifeline = -1, .log = -1, .start_lock = -1})

/**
 * guardian_start() - start the guardian; it first undoes what killed runs have left
 * @is_taken: whether names that follow from a run's index are used by somebody else; the first
 *            index that is free becomes this run's
 *
 * All signals should be blocked. Return: 0 or a negative errno, which is reported.
 */
int guardian_start(struct guardian *guardian, bool (*is_taken)(unsigned int index));

/** guardian_unlock_start() - let other starts go on: our names and addresses are taken now. */
void guardian_unlock_start(struct guardian *guardian);

/**
 * guardian_hold_table() - let the guardian hold the nftables table's socket as well
 *
 * When the manager is killed, the copies die a moment after it. The rules should outlive them, for
 * their last packets to find their way.
 *
 * Return: 0 or a negative errno, which is reported.
 */
int guardian_hold_table(const struct guardian *guardian, int socket);

/**
 * guardian_hold_copy() - let the guardian know a copy's first process, and see its sockets
 * @pidfd, @diag: as of struct copy
 *
 * When the manager is killed, the guardian waits for the end of the copy, and resets the
 * connections that it leaves behind, as the manager would.
 *
 * Return: 0 or a negative errno, which is reported.
 */
int guardian_hold_copy(const struct guardian *guardian, int pidfd, int diag);

/**
 * guardian_finish() - have everything undone, and wait for it
 *
 * If the guardian has been killed, the caller's own process does the work. Does nothing where none
 * was started.
 *
 * Return: 0, or a negative errno where something could not be undone, which is reported.
 */
int guardian_finish(struct guardian *guardian);
