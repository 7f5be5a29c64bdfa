/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flags.h - reads the arguments of the commands that are requests to a run: some flags, and then a
 * few operands such as its name. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** An option. One of @is_set and @text is given: a flag, or an option with a value. */
struct flag {
	const char *name;
	char letter; /* 0: none */
	bool *is_set;
	const char **text;
};

struct flags {
	const char *usage;
	const struct flag *known; /* beside --help; @count of them */
	size_t count;
	int least, most;         /* how many operands there must be, and may be */
	bool ends_with_operands; /* options come before them only: a command follows */
};

/**
 * flags_parse() - read all arguments
 * @argv:         argv[0] is the command's name; it may be sorted in place
 * @ret_operands: those behind the options, up to NULL
 *
 * Return: -1: go on; or the exit status, because help was asked for, and given, or a bad argument
 * was reported.
 */
int flags_parse(const struct flags *flags, int argc, char **argv, char ***ret_operands);

/** flags_copy() - read the number of a copy. Return: 0; or -EINVAL, reported. */
int flags_copy(const char *text, unsigned int *ret);
