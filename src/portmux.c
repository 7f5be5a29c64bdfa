// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * portmux.c - the front door: any program, any number of copies.
 *
 * main() is a table of subcommands; each has a file in portmux/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/process.h"
#include "base/title.h"
#include "portmux/command.h"
#include "rootless/userns.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} COMMANDS[] = {
	{"run", command_run},
	{"ps", command_ps},
	{"logs", command_logs},
	{"stop", command_stop},
	{"kill", command_kill},
	{"scale", command_scale},
	{"restart", command_restart},
	{"publish", command_publish},
	{"unpublish", command_unpublish},
	{"exec", command_exec},
};

static const char USAGE[] =
	"usage: portmux COMMAND [ARGUMENT]...\n"
	"\n"
	"  run      start copies of a program, each alone on its ports\n"
	"  ps       show runs and their copies\n"
	"  logs     show what copies have printed\n"
	"  scale    give a run more or fewer copies\n"
	"  restart  start its copies again, one after the other\n"
	"  publish, unpublish\n"
	"           map a host port, or give it up\n"
	"  stop     end a run\n"
	"  kill     kill a copy, or a run\n"
	"  exec     run a command in a copy\n"
	"\n"
	"  --inside PID [COMMAND [ARGUMENT]...]\n"
	"           run a command, or a shell, in the network of a run without root\n"
	"\n"
	"`portmux COMMAND --help` tells more, portmux(1) everything.\n";

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	process_ensure_stdio();
	title_take(argc, argv);
	for (size_t i = 0; name && i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
		if (strcmp(name, COMMANDS[i].name) == 0)
			return COMMANDS[i].run(argc - 1, argv + 1);
	if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0))
		return fputs(USAGE, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (name && (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0))
		return command_version();
	if (name && argc > 2 && strcmp(name, "--inside") == 0)
		return userns_run_inside(argv + 2);
	if (name)
		error_say(0, "%s: there is no such command", name);
	fputs(USAGE, stderr);
	return COMMAND_USAGE;
}
