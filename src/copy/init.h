/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.h - the first process of a copy (pid 1 in its pid namespace).
 */
#pragma once

#include <sys/types.h>

struct enter_host;

/**
 * init_run() - reap ended processes, forward signals to the program, and start what the manager
 * asks for beside it, until the program has ended
 * @program: its pid
 * @manager: socket to which init sends the program's wait status (an int) when it has ended, and by
 *           which visits are asked for
 * @host:    what they find
 *
 * All signals must be blocked. When the caller exits after this, the kernel kills all other
 * processes in the pid namespace.
 */
void init_run(pid_t program, int manager, const struct enter_host *host);
