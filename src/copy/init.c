// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * init.c - reaps processes and forwards signals; nothing else.
 *
 * pid 1 does not get a signal that it has no handler for (man 7 pid_namespaces). So a program that
 * relies on the default actions cannot be pid 1 itself. Here all signals are blocked, and init
 * waits for them.
 */
#include "copy/init.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Reaps all ended processes. Return: true if the program has ended, or no child is left. */
static bool init_reap(pid_t program, int report)
{
	bool program_ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
		if (pid != program)
			continue;
		program_ended = true;
		while (send(report, &status, sizeof(status), MSG_NOSIGNAL) < 0 && errno == EINTR)
			;
	}
	return program_ended || (pid < 0 && errno == ECHILD);
}

void init_run(pid_t program, int report)
{
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		int signal = sigwaitinfo(&all, NULL);

		if (signal == SIGCHLD && init_reap(program, report))
			return;
		if (signal > 0 && signal != SIGCHLD)
			kill(program, signal);
	}
}
