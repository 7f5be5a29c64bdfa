/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attendant.h - the process that starts a visit's program, and stays with it (enter.h).
 */
#pragma once

#include <sys/ioctl.h>

#include "copy/execute.h"

struct attendant {
	const struct execute_spec *program;
	mode_t mask;  /* the program's umask */
	int report;   /* gets the exit status; signals come from it, too */
	int stdio[3]; /* these as in struct visit */
	const struct winsize *terminal;
	int door;
};

/**
 * attendant_main() - start the program, wait for its end, report it
 *
 * All signals must be blocked. All descriptors but those of @attendant are closed.
 *
 * Return: the process's exit status.
 */
int attendant_main(const struct attendant *attendant);
