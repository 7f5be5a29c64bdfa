/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - who the program in a copy runs as.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; owned */
	size_t group_count;
	char *user; /* login name; owned; NULL: leave HOME, USER and LOGNAME alone */
	char *home; /* home directory; owned */
};

/**
 * identity_of_caller() - the user who called sudo (SUDO_UID, SUDO_GID), or else that of this
 * process Return: 0 or -errno, reported. Free with identity_free() in any case.
 */
int identity_of_caller(struct identity *ret);

/** identity_free() - free what @identity owns. Safe on zeros. */
void identity_free(struct identity *identity);

/**
 * identity_assume() - become that user for good, without any privilege
 *
 * Afterwards all five capability sets are empty and no_new_privs is set, for uid 0 too.
 *
 * Return: 0 or -errno, reported.
 */
int identity_assume(const struct identity *identity);

/**
 * identity_set_environment() - set HOME, USER and LOGNAME, and remove sudo's variables
 * Return: 0 or -errno, reported.
 */
int identity_set_environment(const struct identity *identity);
