// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_options.c - a command line, its arguments separated by newlines: what is taken is within the
 * limits, and what is not taken is told.
 */
#include "fuzz.h"
#include "portmux/options.h"

enum { ARGUMENTS_MAX = 64 };

static size_t lines_told;

static void count_line(void *data, const char *line, size_t length)
{
	(void)data;
	FUZZ_ASSERT(length > 0 && line[length - 1] == '\n' && !memchr(line, '\n', length - 1));
	lines_told++;
}

static void check(const struct options *options)
{
	FUZZ_ASSERT(options->command && options->command[0] && *options->command[0]);
	FUZZ_ASSERT(options->copies >= 1 && options->copies <= PLAN_COPIES_MAX);
	FUZZ_ASSERT(*options->name && strlen(options->name) <= OPTIONS_NAME_MAX);
	FUZZ_ASSERT(!strpbrk(options->name, "/ \n") && options->name[0] != '.');
	FUZZ_ASSERT(options->grace_ms > 0 && !options->environment[options->environment_count]);
	FUZZ_ASSERT(options->health.interval_ms > 0 && options->health.retries > 0);
	FUZZ_ASSERT(options->health.kind != PLAN_HEALTH_HTTP || options->health.text[0] == '/');
	for (size_t i = 0; i < options->environment_count; i++)
		FUZZ_ASSERT(strchr(options->environment[i], '=') > options->environment[i]);
	for (size_t i = 0; i < options->rlimit_count; i++)
		FUZZ_ASSERT(options->rlimits[i].soft <= options->rlimits[i].hard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	char program[] = "run";
	char *argv[ARGUMENTS_MAX + 1] = {program};
	struct options options;
	int argc = 1;
	int err;

	for (char *rest = text, *argument;
	     argc < ARGUMENTS_MAX && (argument = strsep(&rest, "\n"));)
		argv[argc++] = argument;
	lines_told = 0;
	error_redirect(count_line, NULL);
	err = options_parse(&options, argc, argv);
	FUZZ_ASSERT((err != 0) == (lines_told > 0));
	if (err == 0 && !options.wants_help && !options.wants_version)
		check(&options);
	options_free(&options);
	free(text);
	return 0;
}
