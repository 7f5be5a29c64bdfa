// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exec_command.c - `portmux exec`: asks the manager for a program in a copy, and stays until it has
 * ended.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "portmux/client.h"
#include "portmux/command.h"
#include "portmux/exec.h"
#include "portmux/flags.h"
#include "portmux/session.h"

static const char USAGE[] =
	"usage: portmux exec NAME COPY COMMAND [ARGUMENT]...\n"
	"\n"
	"Runs a command in copy number COPY of the run NAME: beside the program, as its\n"
	"user, in its sandbox. If this is a terminal, the command has one of its own.\n"
	"\n"
	"The exit status is the command's; 128 and the number of the signal that has\n"
	"ended it; 126 if it cannot be executed; 127 if it is not found; 125 if it was\n"
	"not begun, or its end is not known.\n"
	"\n"
	"  -h, --help\n";

enum {
	EXEC_FAILED = 125, /* exit status, as of env(1) */
	EXEC_SIGNALLED = 128,
};

struct exec {
	struct client client;
	struct session session;
	bool has_terminal;
	int status;
};

/* Return: NULL: reported. */
static json_t *exec_format_command(char *const *argv)
{
	json_t *command = json_array();

	for (; *argv; argv++)
		if (json_array_append_new(command, json_string(*argv)) < 0) {
			error_say(-EINVAL, "%s: only UTF-8 can be passed on", *argv);
			json_decref(command);
			return NULL;
		}
	return command;
}

/* Return: NULL: reported. */
static json_t *exec_format_request(unsigned int copy, char *const *argv, bool has_terminal)
{
	const struct winsize size = terminal_size();
	const char *kind = getenv("TERM");
	json_t *command = exec_format_command(argv);
	json_t *request = command ? json_pack("{s:s, s:i, s:o}", "command", "exec", "copy",
					      (int)copy, "argv", command)
				  : NULL;

	if (!request || !has_terminal)
		return request;
	json_object_set_new(request, "terminal", json_true());
	json_object_set_new(request, "rows", json_integer(size.ws_row));
	json_object_set_new(request, "columns", json_integer(size.ws_col));
	if (kind)
		json_object_set_new(request, "variable", json_sprintf("TERM=%s", kind));
	return request;
}

/* Return: 0; or -errno, reported. */
static int exec_begin(struct exec *exec, unsigned int copy, char *const *argv)
{
	size_t count = exec->has_terminal ? EXEC_TERMINAL_FDS : EXEC_PIPES_FDS;
	json_t *request = exec_format_request(copy, argv, exec->has_terminal);
	int fds[EXEC_PIPES_FDS];
	json_t *line = NULL;
	int err = request ? client_send(&exec->client, request, CLIENT_PATIENCE_S) : -EINVAL;

	if (err)
		return err;
	err = client_receive(&exec->client, &line);
	json_decref(line);
	if (err < 0)
		return err;
	err = client_take_fds(&exec->client, fds, count);
	return err ? err : session_open(&exec->session, fds, exec->has_terminal);
}

static void exec_on_answer(void *data)
{
	struct exec *exec = data;
	json_t *line;

	while (client_receive(&exec->client, &line) > 0) {
		json_unpack(line, "{s:i}", "status", &exec->status);
		json_decref(line);
	}
}

/* Return: the exit status. */
static int exec_attend(struct exec *exec, unsigned int copy, char *const *argv)
{
	int left_by, err;

	exec->session = SESSION_NONE;
	err = exec_begin(exec, copy, argv);
	if (!err) {
		left_by = session_run(&exec->session, exec->client.socket, exec_on_answer, exec);
		exec->status = left_by ? EXEC_SIGNALLED + left_by : exec->status;
	}
	session_close(&exec->session);
	return exec->status;
}

int command_exec(int argc, char **argv)
{
	const struct flags flags = {
		.usage = USAGE, .least = 3, .most = INT_MAX, .ends_with_operands = true};
	struct exec exec = {.status = EXEC_FAILED, .has_terminal = terminal_is_there()};
	char **operands;
	unsigned int copy;
	int status = flags_parse(&flags, argc, argv, &operands);

	if (status >= 0)
		return status;
	if (flags_copy(operands[1], &copy) < 0)
		return COMMAND_USAGE;
	if (client_connect(&exec.client, operands[0]) == 0)
		exec_attend(&exec, copy, operands + 2);
	client_close(&exec.client);
	return exec.status;
}
