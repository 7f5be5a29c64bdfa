// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * publish_command.c - `portmux publish` and `portmux unpublish`.
 */
#include <stdlib.h>

#include "portmux/client.h"
#include "portmux/command.h"
#include "portmux/flags.h"
#include "portmux/publish.h"

static const char PUBLISH_USAGE[] =
	"usage: portmux publish NAME MAPPING\n"
	"\n"
	"Maps a host port, or as many as the run of that name has copies:\n"
	"[ADDRESS:]HOSTPORT:PORT[/tcp|/udp], as with --publish of `portmux run`.\n"
	"\n"
	"  -h, --help\n";

static const char UNPUBLISH_USAGE[] =
	"usage: portmux unpublish NAME MAPPING\n"
	"\n"
	"Gives host ports of the run of that name up. MAPPING is as it was published.\n"
	"\n"
	"  -h, --help\n";

static int publish_ask(const char *command, const char *usage, int argc, char **argv)
{
	const struct flags flags = {.usage = usage, .least = 2, .most = 2};
	struct publish publish;
	char **operands;
	int status = flags_parse(&flags, argc, argv, &operands);
	json_t *request;

	if (status >= 0)
		return status;
	if (publish_parse(&publish, operands[1]) < 0)
		return COMMAND_USAGE;
	request = json_pack("{s:s, s:s}", "command", command, "mapping", operands[1]);
	return client_ask(operands[0], request, CLIENT_FOR_EVER, NULL, NULL) < 0 ? EXIT_FAILURE
										 : EXIT_SUCCESS;
}

int command_publish(int argc, char **argv)
{
	return publish_ask("publish", PUBLISH_USAGE, argc, argv);
}

int command_unpublish(int argc, char **argv)
{
	return publish_ask("unpublish", UNPUBLISH_USAGE, argc, argv);
}
