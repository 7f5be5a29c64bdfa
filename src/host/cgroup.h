/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - a control group (v2) for each copy, if we were given our own part of the tree.
 *
 * This is so if systemd has delegated our control group to us (Delegate=yes: a service, or
 * `systemd-run -p Delegate=yes`) and no other process is in it. Otherwise the tree belongs to
 * another manager, and we leave it alone. This is no error: the copies then have only the limits of
 * the caller (ulimit).
 *
 * During a run, the tree is:
 *
 *	OURS/manager                 the manager and the guardian
 *	OURS/copy-1, OURS/copy-2     the copies
 *
 * The manager and the guardian must move out of OURS, because only a group without processes can
 * pass its controllers on. After the run, the tree is as before.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "host/log.h"

struct cgroup {
	int directory; /* of our control group; -1: we have none */
	char path[PATH_MAX];
};

/** No control group: a start value, so that cgroup_close() is safe at any time. */
#define CGROUP_NONE ((struct cgroup){.directory = -1})

/**
 * cgroup_open() - find our control group and prepare it, if it is ours to use
 * @log:      undo log
 * @guardian: pid of the guardian, which is moved together with us
 *
 * It is no error if there is none to use. Return: 0 or -errno, reported.
 */
int cgroup_open(struct cgroup *cgroup, struct log *log, pid_t guardian);

/**
 * cgroup_make() - make the control group of copy @number
 * @ret_fd: for clone3(CLONE_INTO_CGROUP), owned by the caller; -1 if @cgroup is none
 *
 * The group allows at most 2048 processes and threads, as with Podman. If memory runs out, the
 * kernel kills the whole copy, not one of its processes.
 *
 * It is no error if @cgroup is none. Return: 0 or -errno, reported.
 */
int cgroup_make(const struct cgroup *cgroup, unsigned int number, int *ret_fd);

/** cgroup_drop() - remove the control group of copy @number, whose processes have ended. */
void cgroup_drop(const struct cgroup *cgroup, unsigned int number);

/** cgroup_close() - close the descriptor; cgroup_undo() does the rest. Safe to repeat. */
void cgroup_close(struct cgroup *cgroup);

/** cgroup_undo() - restore the control group at @path. Return: 0 or -errno, reported. */
int cgroup_undo(const char *path);
