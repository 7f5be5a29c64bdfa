/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * helper.h - a child that does one piece of work while its parent goes on.
 *
 * It shares our table of descriptors (CLONE_FILES): thousands of descriptors are not copied, and
 * what it opens is open here. It does not live long enough to disturb us, and it ends with us.
 */
#pragma once

#include <stdint.h>

struct helper {
	int pidfd; /* -1: there is none */
};

/** No helper. Start with this value: helper_abandon() is then always safe. */
#define HELPER_NONE ((struct helper){.pidfd = -1})

/**
 * helper_begin() - like fork()
 * @flags: namespaces that it gets of its own, as for clone(2)
 *
 * Return: 0 in the helper, which is to report its errors and to _exit() with EXIT_SUCCESS or
 * EXIT_FAILURE; otherwise its pid, or -errno. End it with helper_finish() or helper_abandon().
 */
long helper_begin(struct helper *helper, uint64_t flags);

/**
 * helper_finish() - wait until its work is done
 * @work: what it is, for an error message: "make the copies' mounts"
 *
 * Return: 0 or -errno, reported.
 */
int helper_finish(struct helper *helper, const char *work);

/** helper_abandon() - kill it, if there is one. Safe to repeat. */
void helper_abandon(struct helper *helper);
