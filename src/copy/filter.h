/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - the system calls that a copy may not make (seccomp, man 2 seccomp).
 *
 * A copy has no capability and cannot get one, so the kernel would refuse most of these calls
 * anyway. The filter also keeps a copy away from kernel code that a service program does not need:
 * most of the kernel's privilege escalations have been found there.
 */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "base/helper.h"

/** A filter: compiled once, installed in every copy. */
struct filter {
	struct sock_filter *program; /* owned */
	unsigned short length;       /* instructions */
	int file;                    /* in memory, where the program is put; -1: none */
	struct helper helper;        /* that compiles it */
};

/** No filter. Start with this value: filter_free() is then always safe. */
#define FILTER_NONE ((struct filter){.file = -1, .helper = HELPER_NONE})

/**
 * filter_begin() - begin to compile the filter for this machine's architecture and its 32-bit
 * variants
 *
 * It takes a millisecond or two, and a child does it meanwhile. Return: 0 or -errno, reported. Free
 * with filter_free() in any case.
 */
int filter_begin(struct filter *filter);

/** filter_finish() - wait until the filter is compiled. Return: 0 or -errno, reported. */
int filter_finish(struct filter *filter);

/** filter_free() - free the program. Safe to repeat. */
void filter_free(struct filter *filter);

/**
 * filter_install() - from now on filter the calling process and what it executes
 *
 * no_new_privs must be set. Return: 0 or -errno, reported.
 */
int filter_install(const struct filter *filter);
