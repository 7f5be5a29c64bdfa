// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scale_command.c - `portmux scale` and `portmux restart`: say each step, and return when all is
 * done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan.h"
#include "portmux/client.h"
#include "portmux/command.h"
#include "portmux/flags.h"
#include "portmux/quantity.h"

static const char SCALE_USAGE[] =
	"usage: portmux scale [OPTION]... NAME N\n"
	"\n"
	"Gives the run of that name N copies. New ones get connections when they are ready;\n"
	"those that are too many, the last ones, get no new connections, and end when those\n"
	"that they have are over.\n"
	"\n"
	"      --timeout SECONDS   until new copies are ready (60)\n"
	"  -q, --quiet             say nothing of each step\n"
	"  -h, --help\n";

static const char RESTART_USAGE[] =
	"usage: portmux restart [OPTION]... NAME [COPY]... [-- COMMAND [ARGUMENT]...]\n"
	"\n"
	"Starts the copies of the run of that name again, all or those, one after the other:\n"
	"each gets no new connections, ends when those that it has are over, starts, and is\n"
	"ready before the next one's turn. COMMAND is what they start from now on; if a copy is\n"
	"not ready with it, all go back to the one before.\n"
	"\n"
	"      --surge             start one more copy first, which stands in for each of the\n"
	"                          others, and goes at the end. A single copy whose ports are\n"
	"                          for all copies is restarted like that in any case\n"
	"      --timeout SECONDS   until a copy is ready (60)\n"
	"  -q, --quiet             say nothing of each step\n"
	"  -h, --help\n";

static void scale_on_line(void *data, json_t *line)
{
	const bool *is_quiet = data;
	const char *state = json_string_value(json_object_get(line, "state"));

	if (*is_quiet || !state)
		return;
	printf("copy %lld: %s\n", (long long)json_integer_value(json_object_get(line, "copy")),
	       state);
	fflush(stdout);
}

/* @text: NULL: none was given. Return: 0; or -EINVAL, reported. */
static int scale_add_timeout(json_t *request, const char *text)
{
	unsigned int seconds;

	if (!text)
		return 0;
	if (!quantity_count(text, 1, 3600, &seconds))
		return error_say(-EINVAL, "--timeout %s: seconds, from 1 to 3600", text);
	json_object_set_new(request, "timeout", json_integer(seconds));
	return 0;
}

static int scale_ask(const char *name, json_t *request, bool is_quiet)
{
	return client_ask(name, request, CLIENT_FOR_EVER, scale_on_line, &is_quiet) < 0
		       ? EXIT_FAILURE
		       : EXIT_SUCCESS;
}

int command_scale(int argc, char **argv)
{
	bool is_quiet = false;
	const char *timeout = NULL;
	const struct flag known[] = {
		{.name = "timeout", .text = &timeout},
		{.name = "quiet", .letter = 'q', .is_set = &is_quiet},
	};
	const struct flags flags = {
		.usage = SCALE_USAGE, .known = known, .count = 2, .least = 2, .most = 2};
	unsigned int copies;
	char **operands;
	int status = flags_parse(&flags, argc, argv, &operands);
	json_t *request;

	if (status >= 0)
		return status;
	if (!quantity_count(operands[1], 1, PLAN_COPIES_MAX, &copies)) {
		error_say(0, "%s: a number of copies, from 1 to %d", operands[1], PLAN_COPIES_MAX);
		return COMMAND_USAGE;
	}
	request = json_pack("{s:s, s:i}", "command", "scale", "copies", (int)copies);
	if (scale_add_timeout(request, timeout) == 0)
		return scale_ask(operands[0], request, is_quiet);
	json_decref(request);
	return COMMAND_USAGE;
}

/* ---- Restart ---- */

/* Return: 0; or -EINVAL, reported. */
static int restart_add_copies(json_t *request, char *const *texts)
{
	json_t *numbers = json_array();

	for (; *texts; texts++) {
		unsigned int number;

		if (flags_copy(*texts, &number) < 0) {
			json_decref(numbers);
			return -EINVAL;
		}
		json_array_append_new(numbers, json_integer(number));
	}
	json_object_set_new(request, "copies", numbers);
	return 0;
}

/* Return: 0; or -EINVAL, reported. */
static int restart_add_command(json_t *request, char *const *command)
{
	json_t *arguments = json_array();

	for (; *command; command++)
		if (json_array_append_new(arguments, json_string(*command)) < 0) {
			json_decref(arguments);
			return error_say(-EINVAL, "%s: only UTF-8 can be sent to a run", *command);
		}
	json_object_set_new(request, "argv", arguments);
	return 0;
}

/* Where the command begins that "--" is in front of. */
static int restart_find_command(int argc, char **argv)
{
	int i = 1;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	return i;
}

int command_restart(int argc, char **argv)
{
	bool is_quiet = false, surges = false;
	const char *timeout = NULL;
	const struct flag known[] = {
		{.name = "surge", .is_set = &surges},
		{.name = "timeout", .text = &timeout},
		{.name = "quiet", .letter = 'q', .is_set = &is_quiet},
	};
	const struct flags flags = {.usage = RESTART_USAGE,
				    .known = known,
				    .count = 3,
				    .least = 1,
				    .most = 1 + PLAN_COPIES_MAX};
	int end = restart_find_command(argc, argv);
	char **command = end + 1 < argc ? argv + end + 1 : NULL;
	char **operands;
	json_t *request;
	int status;

	argv[end] = NULL;
	status = flags_parse(&flags, end, argv, &operands);
	if (status >= 0)
		return status;
	request = json_pack("{s:s, s:b}", "command", "restart", "surge", surges);
	if (restart_add_copies(request, operands + 1) == 0 &&
	    scale_add_timeout(request, timeout) == 0 &&
	    (!command || restart_add_command(request, command) == 0))
		return scale_ask(operands[0], request, is_quiet);
	json_decref(request);
	return COMMAND_USAGE;
}
