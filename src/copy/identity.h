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
 * identity_of_caller() - for root the user who called sudo (SUDO_UID, SUDO_GID); or else that of
 * this process; -EINVAL: one of them is no number
 *
 * Return: 0 or -errno, reported. Free with identity_free() in any case.
 */
int identity_of_caller(struct identity *ret);

/**
 * identity_of_user() - another user, whom only root can become
 * @text: "NAME", "UID", and then ":GROUP" or ":GID" or nothing, as of podman-run(1)
 *
 * Return: 0 or -errno, reported. Free with identity_free() in any case.
 */
int identity_of_user(struct identity *ret, const char *text);

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
 * identity_borrow() - make and change files as that user, until identity_give_back()
 *
 * A file that is made belongs to that user from its first moment. It need not be given away later,
 * when the name may already lead to another file, and only the user's own files can be changed. New
 * names can be made everywhere, as without this call: a user may run the program in a directory
 * that belongs to somebody else.
 *
 * Return: 0 or more: for identity_give_back(); or -errno, reported, and nothing has changed.
 */
int identity_borrow(const struct identity *identity);

/** identity_give_back() - @borrowed: from identity_borrow(). Return: 0 or -errno, reported. */
int identity_give_back(int borrowed);

/**
 * identity_set_environment() - set HOME, USER and LOGNAME, and remove sudo's variables
 * Return: 0 or -errno, reported.
 */
int identity_set_environment(const struct identity *identity);
