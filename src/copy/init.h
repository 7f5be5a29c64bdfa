/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.h - the first process of a copy (pid 1 in its pid namespace).
 */
#pragma once

#include <sys/types.h>

/**
 * init_run() - reap ended processes and forward signals to the program, until the program has ended
 * @program: its pid
 * @report:  socket to which init sends the program's wait status (an int) when it has ended
 *
 * All signals must be blocked. When the caller exits after this, the kernel kills all other
 * processes in the pid namespace.
 */
void init_run(pid_t program, int report);
