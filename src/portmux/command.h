/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - the subcommands of portmux. Each takes its arguments, argv[0] is its name, and
 * returns the exit status.
 */
#pragma once

#define PORTMUX_VERSION "0.1"

enum { COMMAND_USAGE = 2 }; /* exit status: the arguments are wrong, and nothing was done */

/** command_run() - `portmux run`: start copies, and stay until they have ended. */
int command_run(int argc, char **argv);

/** command_version() - print the version. */
int command_version(void);
