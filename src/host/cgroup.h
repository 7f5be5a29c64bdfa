/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - a control group (v2) for each copy, where we have been given a subtree of our own.
 *
 * That is so where systemd has delegated our control group to us (Delegate=yes: a service, or
 * `systemd-run -p Delegate=yes`) and nobody else is in it. Anywhere else the tree has another
 * manager, whose it stays: then there are no limits but the caller's own (ulimit), and no error.
 *
 * While a run lasts the tree is: OURS/manager with the manager and the guardian, since only a group
 * without processes can hand controllers on, and OURS/copy-1, OURS/copy-2, ... Afterwards it is as
 * before.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "host/log.h"

struct cgroup {
	int directory; /* of our control group; -1: none that is ours */
	char path[PATH_MAX];
};

/** There is none: for cgroup_close() to be right from the beginning. */
#define CGROUP_NONE ((struct cgroup){.directory = -1})

/**
 * cgroup_open() - find our control group and prepare it, if it is ours to use
 * @log:      undo log
 * @guardian: pid of the guardian, which moves along
 *
 * Return: 0, also where there is none; or a negative errno, which is reported.
 */
int cgroup_open(struct cgroup *cgroup, struct log *log, pid_t guardian);

/**
 * cgroup_make() - make the control group of copy @number
 * @ret_fd: for clone3(CLONE_INTO_CGROUP), the caller's own; -1 where there is none to be had
 *
 * At most 2048 processes and threads (as Podman has it); if memory runs out, all of the copy is
 * killed and not some process of it.
 *
 * Return: 0, also where there is none; or a negative errno, which is reported.
 */
int cgroup_make(const struct cgroup *cgroup, unsigned int number, int *ret_fd);

/** cgroup_drop() - remove the control group of copy @number, whose processes have ended. */
void cgroup_drop(const struct cgroup *cgroup, unsigned int number);

/** cgroup_close() - close the descriptor. Undoing is the log's business. Safe to repeat. */
void cgroup_close(struct cgroup *cgroup);

/** cgroup_undo() - put the control group at @path back: for undo.c. Return: 0, -errno (reported).
 */
int cgroup_undo(const char *path);
