// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * title.c - the arguments lie one behind the other, each with its NUL. /proc/PID/cmdline shows just
 * this memory, if its last byte is a NUL (get_mm_cmdline(), fs/proc/base.c).
 */
#include "base/title.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* They belong to the process as its standard error does. */
static char *title_begin;
static size_t title_size;

void title_take(int argc, char **argv)
{
	char *name = strdup(program_invocation_short_name); /* it is in the first argument */
	const char *end = argv[0];

	for (int i = 0; i < argc && argv[i] == end; i++)
		end += strlen(end) + 1;
	if (!name)
		return;
	program_invocation_short_name = name;
	title_begin = argv[0];
	title_size = (size_t)(end - argv[0]);
}

void title_set(const char *fmt, ...)
{
	va_list args;

	if (title_size == 0)
		return;
	memset(title_begin, 0, title_size);
	va_start(args, fmt);
	vsnprintf(title_begin, title_size, fmt, args);
	va_end(args);
}
