/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guardian.h - the process that unmakes what a run has made, however the run ends.
 *
 * It is started before anything is changed, creates the run's undo log, and then waits at one end
 * of a socket, the lifeline. The manager and the first process of every copy hold the other end.
 * When the last of them is gone, by whatever death, the guardian plays the log backwards.
 *
 * The manager never waits for the guardian but in guardian_finish(), and there with a deadline.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/log.h"
#include "net/address.h"

struct guardian {
	pid_t pid;
	int pidfd;          /* readable when the guardian has ended; -1: there is none */
	int lifeline;       /* for the first process of every copy to keep */
	bool has_answered;  /* guardian_receive() has succeeded */
	unsigned int index; /* of this run among those of this network namespace */
	int start_lock;     /* held until the names and addresses of this run are taken */
};

/** Nothing is running: for guardian_finish() to be right from the beginning. */
#define GUARDIAN_NONE ((struct guardian){.pidfd = -1, .lifeline = -1, .start_lock = -1})

/**
 * guardian_start() - start the guardian; it first undoes what killed runs have left
 * @is_taken: whether names that follow from a run's index are used by somebody else; the first
 *            index that is free becomes this run's. Called in the guardian.
 *
 * Its answer comes over @guardian->lifeline, after it has had the lock of the runtime directory,
 * which can take seconds. All signals should be blocked. Return: 0 or -errno, reported.
 */
int guardian_start(struct guardian *guardian, bool (*is_taken)(unsigned int index, void *data),
		   void *data);

/**
 * guardian_receive() - the lifeline is readable: take the answer
 * @ret_log: opened
 *
 * Return: 0; -EAGAIN: there is no answer yet; or another -errno, reported by the guardian or here.
 */
int guardian_receive(struct guardian *guardian, struct log *ret_log);

/** guardian_unlock_start() - let other starts go on: our names and addresses are taken now. */
void guardian_unlock_start(struct guardian *guardian);

/**
 * guardian_hold_table() - let the guardian hold the nftables table's socket as well
 *
 * When the manager is killed, the copies die a moment after it. The rules should outlive them, for
 * their last packets to find their way.
 *
 * Return: 0 or -errno, reported.
 */
int guardian_hold_table(const struct guardian *guardian, int socket);

/** A copy as the guardian knows it. */
struct guardian_copy {
	unsigned int id;             /* another one for each copy, and for each of its lives */
	int pidfd;                   /* of its first process */
	int diag;                    /* a sock_diag socket in its network namespace */
	struct address addresses[2]; /* IPv4, IPv6 */
};

/**
 * guardian_hold_copy() - let the guardian know a copy
 * @copy: the guardian gets descriptors of its own; these stay the caller's
 *
 * When the manager is killed, the guardian waits for the end of the copy, and resets the
 * connections that it leaves behind, as the manager would.
 *
 * Return: 0; -EAGAIN (unreported): it has not yet read what it was told before; or another -errno,
 * reported.
 */
int guardian_hold_copy(const struct guardian *guardian, const struct guardian_copy *copy);

/** guardian_drop_copy() - the copy has ended: let the guardian forget it. Return: as above. */
int guardian_drop_copy(const struct guardian *guardian, unsigned int id);

/**
 * guardian_finish() - have everything undone, and wait for it
 *
 * If the guardian has been killed, is stopped, or takes too long, it is killed and the caller's own
 * process does the work. Does nothing where none was started.
 *
 * Return: 0, or -errno where something could not be undone, reported.
 */
int guardian_finish(struct guardian *guardian);
