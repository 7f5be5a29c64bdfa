/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fs.h - the files that a copy sees: the host's, read-only, with private places among them.
 *
 *	/                      the host's, recursively read-only, nosuid and nodev
 *	/tmp                   a directory of the copy's own on the host (outlives it)
 *	/run /var/tmp          private, in memory
 *	/dev                   the harmless devices, an own /dev/pts and /dev/shm
 *	/proc /sys             of the copy's own namespaces, read-only
 *	working directory      a directory of the copy's own on the host, at the path it has there
 *
 * All paths stay what they are on the host. Where a private place would hide the plan's directory
 * (it lies below /tmp, say), that directory is shown there again, read-only.
 */
#pragma once

struct fs_spec {
	const char *base;        /* the plan's directory, absolute, without links */
	const char *workdir;     /* below @base; becomes writable */
	const char *tmp;         /* what becomes /tmp */
	const char *resolv_conf; /* text of /etc/resolv.conf */
	unsigned int uid, gid;   /* whose /run is */
};

/**
 * fs_hidden_below_tmp() - the part of @base behind "/tmp/", NULL where it does not lie there
 *
 * Only there something must exist on the host beforehand for @base to be shown again: this very
 * path inside of the directory that becomes /tmp.
 */
const char *fs_hidden_below_tmp(const char *base);

/**
 * fs_setup() - make the calling process's mount namespace that of a copy
 *
 * The process must have a mount, pid and network namespace of its own, and privileges.
 *
 * Return: 0 or a negative errno, which is reported.
 */
int fs_setup(const struct fs_spec *spec);
