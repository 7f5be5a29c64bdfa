/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fs.h - the files that a copy sees: the host's, read-only, with private places among them.
 *
 *	/                      the host's, recursively read-only, nosuid and nodev (view.h)
 *	/tmp                   a directory on the host, for this copy alone; it outlives the copy
 *	/run /var/tmp          private, in memory
 *	/dev                   the harmless devices; the copy's own /dev/pts and /dev/shm
 *	/proc /sys             those of the copy's own namespaces, read-only
 *	/etc/resolv.conf       as a copy can use it
 *	/etc/hosts             the host's, and the copy's own name
 *	places of other copies hidden
 *
 * and, as the plan says (enum plan_files), one of
 *	working directory      a directory on the host, for this copy alone, at the same path
 *	the plan's directory   itself, writable
 *	the plan's directory   as the lower layer of an overlay, whose upper layer is the copy's
 *
 * Every path is the same as on the host. A private place can hide the plan's directory (if that is
 * below /tmp, for example): then the directory is mounted there again.
 */
#pragma once

#include "copy/etc.h"
#include "plan.h"

struct fs_spec {
	int view; /* from view_finish() */
	enum plan_files files;
	const char *base;      /* the plan's directory, absolute, without links */
	const char *place;     /* the copy's own; what lies beside it is hidden */
	const char *own;       /* PLAN_PRIVATE: in @place; becomes writable */
	const char *workdir;   /* where the program starts */
	const char *tmp;       /* what becomes /tmp */
	struct etc_spec etc;   /* resolv.conf and hosts */
	unsigned int uid, gid; /* owner of /run */
};

/**
 * fs_hidden_below_tmp() - the part of @base behind "/tmp/", NULL if @base is not below /tmp
 *
 * If it is not NULL, the caller must make this path in the directory that becomes /tmp, before it
 * calls fs_setup(): @base is mounted there again. In the other private places fs_setup() makes the
 * path itself.
 */
const char *fs_hidden_below_tmp(const char *base);

/**
 * fs_setup() - give the calling process the mount namespace of a copy
 *
 * The process must be privileged, and have its own pid and network namespace. It gets a mount
 * namespace of its own. spec->view stays open.
 *
 * Return: 0 or -errno, reported.
 */
int fs_setup(const struct fs_spec *spec);
