/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guardian.h - the process that undoes what a run has changed, however the run ends.
 *
 * The guardian is started before anything is changed. It creates the run's undo log, and then waits
 * at one end of a socket, the lifeline. The manager and the first process of every copy hold the
 * other end. When the last of them has ended, for whatever reason, the guardian plays the log
 * backwards.
 *
 * The manager waits for the guardian only in guardian_finish(), and there with a deadline.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/log.h"
#include "net/address.h"

struct guardian {
	pid_t pid;
	int pidfd;          /* readable when the guardian has ended; -1: none */
	int lifeline;       /* the manager's end; the first process of every copy inherits it */
	bool has_answered;  /* guardian_receive() has succeeded */
	unsigned int index; /* number of this run among those of this network namespace */
	int held;        /* to be set before guardian_start(): a descriptor that its process keeps
			  * open as long as it lives; -1: none */
	const char *run; /* the same: name of the run, for ps(1); NULL: it has none */
	int start_lock;  /* held until the names and addresses of this run are taken */
};

/** No guardian. Start with this value: guardian_finish() is then always safe. */
#define GUARDIAN_NONE ((struct guardian){.pidfd = -1, .lifeline = -1, .held = -1, .start_lock = -1})

/**
 * guardian_start() - start the guardian; it first undoes what killed runs have left
 * @is_taken: does somebody else use the names that follow from this index? The first index that is
 *            free becomes this run's. Called in the guardian's process.
 *
 * The guardian answers over @guardian->lifeline when it has got the lock of the runtime directory,
 * which can take seconds. All signals should be blocked.
 *
 * Return: 0 or -errno, reported.
 */
int guardian_start(struct guardian *guardian, bool (*is_taken)(unsigned int index, void *data),
		   void *data);

/**
 * guardian_receive() - the lifeline is readable: take the guardian's answer
 * @ret_log: opened
 *
 * Return: 0; -EAGAIN: there is no answer yet; or another -errno, reported by the guardian or here.
 */
int guardian_receive(struct guardian *guardian, struct log *ret_log);

/** guardian_unlock_start() - let other starts go on: this run has taken its names and addresses. */
void guardian_unlock_start(struct guardian *guardian);

/**
 * guardian_hold_table() - let the guardian hold the nftables table's socket as well
 * @table: its name
 *
 * When the manager is killed, the copies die a moment after it. Until then the rules must stay, so
 * that the copies' last packets are still translated.
 *
 * Return: 0 or -errno, reported.
 */
int guardian_hold_table(const struct guardian *guardian, const char *table, int socket);

/** A copy as the guardian knows it. */
struct guardian_copy {
	unsigned int id;             /* different for each copy, and for each of its lives */
	int pidfd;                   /* of its first process */
	int diag;                    /* a sock_diag socket in its network namespace */
	struct address addresses[2]; /* IPv4, IPv6 */
};

/**
 * guardian_hold_copy() - tell the guardian about a copy
 * @copy: the guardian gets its own descriptors; these stay the caller's
 *
 * When the manager is killed, the guardian waits for the end of the copy, and resets the
 * connections that the copy leaves behind, as the manager would.
 *
 * Return: 0; -EAGAIN (unreported): the guardian has not read the earlier messages yet; or another
 * -errno, reported.
 */
int guardian_hold_copy(const struct guardian *guardian, const struct guardian_copy *copy);

/**
 * guardian_drop_copy() - the copy has ended: let the guardian forget it
 * Return: as guardian_hold_copy().
 */
int guardian_drop_copy(const struct guardian *guardian, unsigned int id);

/**
 * guardian_finish() - let the guardian undo everything, and wait for it
 *
 * If the guardian has been killed, is stopped, or takes too long, this kills it and undoes
 * everything in the caller's process. Without a guardian it does nothing.
 *
 * Return: 0; or -errno, reported: something could not be undone.
 */
int guardian_finish(struct guardian *guardian);
