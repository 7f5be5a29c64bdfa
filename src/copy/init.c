// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * init.c - reaps processes, forwards signals, and forks for visits (enter.h); nothing else. Once,
 * soon after the program was started, it gives back the memory that only the manager needs.
 *
 * pid 1 does not get a signal that it has no handler for (man 7 pid_namespaces). So a program that
 * relies on the default actions cannot be pid 1 itself. Here all signals are blocked, and init
 * waits for them.
 */
#include "copy/init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "copy/enter.h"

/* Memory is given back then, or at the first event. Before, the program needs the processor. */
enum { INIT_TRIM_MS = 300 };

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

/* @signals: a signalfd of all signals. Return: true if the program has ended. */
static bool init_on_signal(int signals, pid_t program, int manager)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGCHLD)
		return init_reap(program, manager);
	kill(program, (int)info.ssi_signo);
	return false;
}

void init_run(pid_t program, int manager, const struct enter_host *host)
{
	AUTO_CLOSE int signals = -1;
	struct pollfd events[2];
	int timeout_ms = INIT_TRIM_MS;
	sigset_t all;

	sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC);
	events[0] = (struct pollfd){.fd = signals, .events = POLLIN};
	events[1] = (struct pollfd){.fd = manager, .events = POLLIN};
	if (signals < 0) {
		error_report(-errno, "copy %u: cannot watch its processes", host->program->number);
		return;
	}
	for (;;) {
		int n = poll(events, 2, timeout_ms);

		if (timeout_ms > 0) {
			process_trim_memory();
			timeout_ms = -1;
		}
		if (n <= 0)
			continue;
		if (events[0].revents && init_on_signal(signals, program, manager))
			return;
		if (events[1].revents & POLLIN)
			enter_serve(host, manager);
		else if (events[1].revents) /* the manager has ended, and the kernel ends us */
			events[1].fd = -1;
	}
}
