// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flags.c - getopt_long(3) over a short list.
 */
#include "portmux/flags.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "plan.h"
#include "portmux/command.h"
#include "portmux/quantity.h"

enum { FLAGS_MAX = 16, FLAGS_FIRST = 256, FLAGS_HELP = 'h' };

/* Options get the numbers FLAGS_FIRST + their index, with a letter or without. */
static void flags_describe(const struct flags *flags, struct option *options, char *letters)
{
	size_t length = (size_t)sprintf(letters, "%s:h", flags->ends_with_operands ? "+" : "");

	for (size_t i = 0; i < flags->count; i++) {
		const struct flag *flag = &flags->known[i];

		options[i] =
			(struct option){flag->name, flag->text ? required_argument : no_argument,
					NULL, FLAGS_FIRST + (int)i};
		if (flag->letter)
			length += (size_t)sprintf(letters + length, "%c%s", flag->letter,
						  flag->text ? ":" : "");
	}
	options[flags->count] = (struct option){"help", no_argument, NULL, FLAGS_HELP};
}

static const struct flag *flags_find(const struct flags *flags, int number)
{
	for (size_t i = 0; i < flags->count; i++)
		if (number == FLAGS_FIRST + (int)i || number == flags->known[i].letter)
			return &flags->known[i];
	return NULL;
}

static int flags_take(const struct flags *flags, int number, const char *last)
{
	const struct flag *flag = flags_find(flags, number);

	if (flag && flag->is_set)
		*flag->is_set = true;
	else if (flag)
		*flag->text = optarg;
	else if (number == ':')
		return error_say(-EINVAL, "%s: an argument is missing", last);
	else if (optopt && optopt < FLAGS_FIRST)
		return error_say(-EINVAL, "-%c: there is no such option", optopt);
	else
		return error_say(-EINVAL, "%s: there is no such option, or not with an argument",
				 last);
	return 0;
}

int flags_parse(const struct flags *flags, int argc, char **argv, char ***ret_operands)
{
	struct option options[FLAGS_MAX + 2] = {0};
	char letters[2 * FLAGS_MAX + 4];
	int err = 0, number;

	flags_describe(flags, options, letters);
	optind = 0; /* begin anew: also glibc's own state */
	opterr = 0;
	while (!err && (number = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (number == FLAGS_HELP)
			return fputs(flags->usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
		err = flags_take(flags, number, argv[optind - 1]);
	}
	if (err)
		return COMMAND_USAGE;
	if (argc - optind < flags->least || argc - optind > flags->most) {
		fputs(flags->usage, stderr);
		return COMMAND_USAGE;
	}
	*ret_operands = argv + optind;
	return -1;
}

int flags_copy(const char *text, unsigned int *ret)
{
	if (quantity_count(text, 1, INT32_MAX, ret))
		return 0;
	return error_say(-EINVAL, "%s: is no number of a copy", text);
}
