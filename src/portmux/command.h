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

/** command_ps() - `portmux ps`: all runs and copies, or those of one run. */
int command_ps(int argc, char **argv);

/** command_logs() - `portmux logs`: what the copies have printed last. */
int command_logs(int argc, char **argv);

/** command_stop() - `portmux stop`: end a run. */
int command_stop(int argc, char **argv);

/** command_kill() - `portmux kill`: kill a copy, or all. */
int command_kill(int argc, char **argv);

/** command_scale() - `portmux scale`: more or fewer copies. */
int command_scale(int argc, char **argv);

/** command_restart() - `portmux restart`: the copies, one after the other. */
int command_restart(int argc, char **argv);

/** command_publish() - `portmux publish`: one more mapping. */
int command_publish(int argc, char **argv);

/** command_unpublish() - `portmux unpublish`: one less. */
int command_unpublish(int argc, char **argv);

/** command_exec() - `portmux exec`: run a command in a copy. */
int command_exec(int argc, char **argv);

/** command_version() - print the version. */
int command_version(void);
