/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.h - the first process of a copy (pid 1 in its pid namespace).
 */
#pragma once

#include <sys/types.h>

/**
 * init_run() - reap what ends, pass signals on to the program, until the program has ended
 * @program: its pid
 * @report:  socket on which the program's wait status is sent (an int) when it has ended
 *
 * All signals must be blocked. When the caller then exits, the kernel ends whatever else lives in
 * the pid namespace.
 */
void init_run(pid_t program, int report);
