/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * etc.h - the files of /etc of which a copy has its own: resolv.conf and hosts.
 */
#pragma once

#include <limits.h>

/** What is in them. */
struct etc_spec {
	const char *resolv_conf; /* the text of /etc/resolv.conf */
	const char *own_hosts;   /* the lines of the copy's own names, for /etc/hosts */
	const char *hosts;       /* the host's /etc/hosts, which follows them; NULL: it has none */
};

/** Where the host has these files, behind links. "": it has none. */
struct etc_paths {
	char resolv_conf[PATH_MAX], hosts[PATH_MAX];
};

/** etc_find() - to be called while the host's files can still be seen. */
void etc_find(struct etc_paths *paths);

/**
 * etc_setup() - write the copy's files into its private /run, and put them where the host has its
 *
 * Where the host has no such file, the copy has none either: there is nothing to put it on.
 *
 * Return: 0 or -errno, reported.
 */
int etc_setup(const struct etc_paths *paths, const struct etc_spec *spec);
