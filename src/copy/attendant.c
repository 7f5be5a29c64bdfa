// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attendant.c - makes the terminal, forks, and waits: for the program's end, for signals to it, and
 * for those who want it to have gone.
 */
#include "copy/attendant.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "base/title.h"
#include "copy/enter.h"
#include "copy/pty.h"

static int attendant_failed(const struct attendant *attendant, int err, const char *action)
{
	return error_report(err, "copy %u: cannot %s", attendant->program->number, action);
}

/* ---- The program ---- */

static int attendant_leave_descriptors(const struct attendant *attendant)
{
	const int *stdio = attendant->stdio;
	int keep[] = {attendant->report, stdio[0], stdio[1], stdio[2], attendant->door};

	/* Standard input is /dev/null, as that of the copy's first process. */
	if (dup2(STDIN_FILENO, STDOUT_FILENO) < 0 ||
	    dup2(stdio[2] < 0 ? STDIN_FILENO : stdio[2], STDERR_FILENO) < 0)
		return attendant_failed(attendant, -errno, "set up standard output");
	process_keep_fds(keep, sizeof(keep) / sizeof(keep[0]));
	return 0;
}

/* @ret_slave: -1: none is wanted. */
static int attendant_open_terminal(const struct attendant *attendant, int *ret_slave)
{
	AUTO_CLOSE int master = -1;
	char hello = 0;
	int err;

	if (!attendant->terminal)
		return 0;
	err = pty_open(attendant->program->identity, &master, ret_slave);
	if (err)
		return err;
	if (ioctl(*ret_slave, TIOCSWINSZ, attendant->terminal) < 0)
		return attendant_failed(attendant, -errno, "set a terminal's size");
	err = fdpass_send(attendant->door, &hello, sizeof(hello), &master, 1);
	return err ? attendant_failed(attendant, err, "hand a terminal over") : 0;
}

static int attendant_execute(const struct attendant *attendant, int slave)
{
	const int terminal[] = {slave, slave, slave};

	/* Somebody in the copy may kill the attendant. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return execute_program(attendant->program, slave < 0 ? attendant->stdio : terminal, slave,
			       attendant->mask);
}

/* ---- Until its end ---- */

/* To the program's process group; to itself, as long as it has none. */
static void attendant_signal(pid_t program, int signal)
{
	if (kill(-program, signal) < 0)
		kill(program, signal);
}

/* Return: true: the program has ended. */
static bool attendant_reap(pid_t program, int *ret_status)
{
	int status;

	if (waitpid(program, &status, WNOHANG) != program)
		return false;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : ENTER_SIGNALLED + WTERMSIG(status);
	return true;
}

/* Passes one signal on. Return: false: nobody has the socket's other end any more. */
static bool attendant_pass_on(int socket, pid_t program)
{
	int signal;
	int err = fdpass_hear(socket, &signal, sizeof(signal));

	if (!err && signal > 0 && signal < NSIG)
		attendant_signal(program, signal);
	return err != -EPIPE;
}

/* @signals: a signalfd of SIGCHLD. Return: the program's exit status. */
static int attendant_wait(const struct attendant *attendant, pid_t program, int signals)
{
	enum { ENDED, REPORT, DOOR };
	struct pollfd events[] = {[ENDED] = {.fd = signals, .events = POLLIN},
				  [REPORT] = {.fd = attendant->report, .events = POLLIN},
				  [DOOR] = {.fd = attendant->door, .events = POLLIN}};
	int timeout_ms = -1;

	for (;;) {
		struct signalfd_siginfo info;
		int n = poll(events, 3, timeout_ms);
		int status;

		if (n == 0)
			attendant_signal(program, SIGKILL);
		if (events[ENDED].revents && read(signals, &info, sizeof(info)) > 0 &&
		    attendant_reap(program, &status))
			return status;
		if ((!events[REPORT].revents || attendant_pass_on(attendant->report, program)) &&
		    (!events[DOOR].revents || attendant_pass_on(attendant->door, program)))
			continue;
		attendant_signal(program, SIGHUP); /* nobody waits for it any more */
		events[REPORT].fd = events[DOOR].fd = -1;
		timeout_ms = ENTER_GRACE_MS;
	}
}

/*
 * Nobody else may keep open what the program has closed. But the terminal: if nobody had it open,
 * its other end would hang up, and the kernel would send the program SIGHUP.
 */
static void attendant_let_go(const struct attendant *attendant, int signals, int slave)
{
	dup2(STDIN_FILENO, STDERR_FILENO);
	process_keep_fds((int[]){attendant->report, attendant->door, signals, slave}, 4);
}

static int attendant_attend(const struct attendant *attendant, int slave)
{
	AUTO_CLOSE int signals = -1;
	sigset_t ended;
	pid_t program;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	signals = signalfd(-1, &ended, SFD_CLOEXEC);
	program = signals < 0 ? -1 : fork();
	if (program == 0)
		_exit(attendant_execute(attendant, slave));
	if (program < 0) {
		attendant_failed(attendant, -errno, "start one more program");
		return EXECUTE_CANNOT;
	}
	title_set("%s: copy %u, for %s", program_invocation_short_name, attendant->program->number,
		  attendant->program->argv[0]);
	attendant_let_go(attendant, signals, slave);
	return attendant_wait(attendant, program, signals);
}

int attendant_main(const struct attendant *attendant)
{
	int status = EXECUTE_CANNOT;
	int slave = -1;

	prctl(PR_SET_NAME, "uva_attendant");
	if (attendant_leave_descriptors(attendant) == 0 &&
	    attendant_open_terminal(attendant, &slave) == 0)
		status = attendant_attend(attendant, slave);
	fdpass_tell(attendant->report, &status, sizeof(status));
	return EXIT_SUCCESS;
}
