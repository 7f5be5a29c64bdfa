// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * logs_command.c - `portmux logs`: what the copies have printed, as `portmux run` shows it.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "portmux/client.h"
#include "portmux/command.h"
#include "portmux/flags.h"
#include "run/output.h"

static const char USAGE[] =
	"usage: portmux logs [OPTION]... NAME [COPY]\n"
	"\n"
	"Shows what the copies of the run of that name have printed last, or one of them,\n"
	"given by its number.\n"
	"\n"
	"  -f, --follow  and what they print from now on, until the run has ended\n"
	"      --json    as events, one a line\n"
	"  -h, --help\n";

struct logs {
	struct output output;
	bool is_json, follows;
};

/* RFC 4648, section 4. Return: how many bytes. */
static size_t logs_decode(const char *encoded, char *bytes)
{
	static const char DIGITS[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int group = 0, bits = 0;
	size_t length = 0;

	for (; *encoded && *encoded != '='; encoded++) {
		const char *digit = strchr(DIGITS, *encoded);

		if (!digit)
			break;
		group = group << 6 | (unsigned int)(digit - DIGITS);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		bytes[length++] = (char)(group >> bits);
	}
	return length;
}

static void logs_wait(struct logs *logs)
{
	while (output_flush(&logs->output) == 0 && !output_is_clear(&logs->output)) {
		struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};

		poll(&room, 1, -1);
	}
}

static void logs_print(struct logs *logs, unsigned int number, const json_t *line)
{
	const json_t *text = json_object_get(line, "text");
	const char *base64 = json_string_value(json_object_get(line, "base64"));
	AUTO_FREE char *bytes = base64 ? malloc(strlen(base64) + 1) : NULL;
	struct output_line whole = {0};

	if (bytes)
		output_feed(&logs->output, number, &whole, bytes, logs_decode(base64, bytes));
	else if (json_is_string(text))
		output_feed(&logs->output, number, &whole, json_string_value(text),
			    json_string_length(text));
	output_feed(&logs->output, number, &whole, "\n", 1);
}

static void logs_on_line(void *data, json_t *line)
{
	struct logs *logs = data;
	const char *event = json_string_value(json_object_get(line, "event"));
	unsigned int number = (unsigned int)json_integer_value(json_object_get(line, "copy"));

	if (logs->is_json) {
		AUTO_FREE char *text = json_dumps(line, JSON_COMPACT);

		stream_add(&logs->output.stream, text ? text : "", text ? strlen(text) : 0);
		stream_add(&logs->output.stream, "\n", 1);
	} else if (event && strcmp(event, "lost") == 0) {
		error_say(0, "copy %u: some lines were lost: they came faster than they were read",
			  number);
	} else {
		logs_print(logs, number, line);
	}
	logs_wait(logs);
}

int command_logs(int argc, char **argv)
{
	struct logs logs = {0};
	const struct flag known[] = {
		{.name = "follow", .letter = 'f', .is_set = &logs.follows},
		{.name = "json", .is_set = &logs.is_json},
	};
	const struct flags flags = {
		.usage = USAGE, .known = known, .count = 2, .least = 1, .most = 2};
	unsigned int copy;
	json_t *request;
	char **operands;
	int status = flags_parse(&flags, argc, argv, &operands);
	int err;

	if (status >= 0)
		return status;
	if (operands[1] && flags_copy(operands[1], &copy) < 0)
		return COMMAND_USAGE;
	request = json_pack("{s:s, s:b}", "command", "logs", "follow", logs.follows);
	if (operands[1])
		json_object_set_new(request, "copy", json_integer(copy));
	output_open(&logs.output, STDOUT_FILENO);
	err = client_ask(operands[0], request, logs.follows ? CLIENT_FOR_EVER : CLIENT_PATIENCE_S,
			 logs_on_line, &logs);
	err = err ? err : logs.output.stream.err;
	output_close(&logs.output);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
