/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup.h - a control group (v2) for each copy, if we were given our own part of the tree.
 *
 * This is so if systemd has delegated our control group to us (Delegate=yes: a service, or
 * `systemd-run -p Delegate=yes`) and no other process is in it. Otherwise the tree belongs to
 * another manager, and we leave it alone. This is no error, unless the plan asks for limits: the
 * copies then have only those of the caller (ulimit).
 *
 * During a run, the tree is:
 *
 *	OURS/manager                 the manager, the guardian; without root also pasta
 *	OURS/copy-1, OURS/copy-2     the copies
 *
 * These processes must move out of OURS, because only a group without processes can
 * pass its controllers on. After the run, the tree is as before.
 */
#pragma once

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/log.h"

/** What each copy may use. All zeros: nothing is asked for. */
struct cgroup_limits {
	uint64_t memory_max;        /* bytes, and as much swap again; 0: no limit */
	unsigned int cpu_per_mille; /* of one processor; 0: no limit */
	unsigned int pids_max;      /* processes and threads; 0: 2048, as with Podman */
};

struct cgroup {
	int directory; /* of our control group; -1: we have none */
	struct cgroup_limits limits;
	char path[PATH_MAX];
};

/** No control group: a start value, so that cgroup_close() is safe at any time. */
#define CGROUP_NONE ((struct cgroup){.directory = -1})

/**
 * cgroup_check() - is there a control group for these limits? Changes nothing.
 * Return: 0: there is, or nothing is asked for; or -EOPNOTSUPP, reported, with the way out.
 */
int cgroup_check(const struct cgroup_limits *limits);

/**
 * cgroup_open() - find our control group and prepare it, if it is ours to use
 * @log: undo log
 *
 * All processes that are in it are descendants of this one. They move together.
 *
 * It is no error if there is none to use and none is needed. Return: 0 or -errno, reported.
 */
int cgroup_open(struct cgroup *cgroup, const struct cgroup_limits *limits, struct log *log);

/**
 * cgroup_make() - make the control group of copy @number
 * @ret_fd: for clone3(CLONE_INTO_CGROUP), owned by the caller; -1 if @cgroup is none
 *
 * If memory runs out, the kernel kills the whole copy, not one of its processes.
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
