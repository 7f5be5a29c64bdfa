// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stop_command.c - `portmux stop` and `portmux kill`: return when it is done.
 */
#include <stdlib.h>

#include "portmux/client.h"
#include "portmux/command.h"
#include "portmux/flags.h"

static const char STOP_USAGE[] =
	"usage: portmux stop NAME\n"
	"\n"
	"Ends the run of that name, as Ctrl-C does, and waits until nothing of it is left.\n"
	"\n"
	"  -h, --help\n";

static const char KILL_USAGE[] =
	"usage: portmux kill NAME [COPY]\n"
	"\n"
	"Kills (SIGKILL) one copy of the run of that name, given by its number; it may start\n"
	"again, as --restart says. Without a number: all copies, and then the run has ended.\n"
	"\n"
	"  -h, --help\n";

int command_stop(int argc, char **argv)
{
	const struct flags flags = {.usage = STOP_USAGE, .least = 1, .most = 1};
	char **operands;
	int status = flags_parse(&flags, argc, argv, &operands);

	if (status >= 0)
		return status;
	return client_ask(operands[0], json_pack("{s:s}", "command", "stop"), CLIENT_FOR_EVER, NULL,
			  NULL) < 0
		       ? EXIT_FAILURE
		       : EXIT_SUCCESS;
}

int command_kill(int argc, char **argv)
{
	const struct flags flags = {.usage = KILL_USAGE, .least = 1, .most = 2};
	json_t *request;
	unsigned int copy;
	char **operands;
	int status = flags_parse(&flags, argc, argv, &operands);

	if (status >= 0)
		return status;
	if (operands[1] && flags_copy(operands[1], &copy) < 0)
		return COMMAND_USAGE;
	request = json_pack("{s:s}", "command", "kill");
	if (operands[1])
		json_object_set_new(request, "copy", json_integer(copy));
	return client_ask(operands[0], request, CLIENT_FOR_EVER, NULL, NULL) < 0 ? EXIT_FAILURE
										 : EXIT_SUCCESS;
}
