// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guardian.c - a child in a session of its own, out of reach of the terminal's signals.
 *
 * What can happen to the two, and who then undoes:
 *   manager ends in order     it shuts the lifeline down, the guardian undoes, the manager waits
 *   manager is killed         the kernel kills the copies; when all are gone the guardian undoes
 *   guardian is killed        the manager sees it at its pidfd, stops, and undoes by itself
 *   both are killed           the next start finds the log unlocked and undoes (undo_recover())
 */
#include "host/guardian.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "host/rundir.h"
#include "host/undo.h"

enum {
	/* copies that were killed with the manager and cannot die at once (a hung disk) */
	GUARDIAN_COPIES_MS = 2000,
	GUARDIAN_FINISH_MS = 30000,
};

static int guardian_claim(int rundir, bool (*is_taken)(unsigned int index), unsigned int *ret_index)
{
	for (unsigned int index = 0;; index++) {
		int log = is_taken(index) ? -EEXIST : rundir_claim(rundir, index);

		if (log == -EEXIST)
			continue;
		*ret_index = index;
		return log;
	}
}

/* Returns when nobody holds the other end of the lifeline any more, or has shut it down. */
static void guardian_wait(int lifeline, int manager)
{
	struct pollfd events[] = {
		{.fd = lifeline, .events = POLLIN},
		{.fd = manager, .events = POLLIN},
	};
	int timeout_ms = -1;
	int n;

	for (;;) {
		n = poll(events, sizeof(events) / sizeof(events[0]), timeout_ms);
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOMEM))
			continue;
		if (n <= 0 || events[0].revents)
			return;
		events[1].fd = -1; /* the manager is gone: now its copies' last moments */
		timeout_ms = GUARDIAN_COPIES_MS;
	}
}

static int guardian_main(int lifeline, int manager, bool (*is_taken)(unsigned int index))
{
	unsigned int index;
	int rundir, log;

	setsid();
	prctl(PR_SET_NAME, "uva_guardian");
	process_keep_fds((int[]){lifeline, manager}, 2);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (chdir("/") < 0)
		return EXIT_FAILURE;

	rundir = rundir_open();
	if (rundir < 0)
		return EXIT_FAILURE;
	undo_recover(rundir);
	log = guardian_claim(rundir, is_taken, &index);
	if (log < 0)
		return EXIT_FAILURE;
	if (fdpass_send(lifeline, &index, sizeof(index), (int[]){log, rundir}, 2) == 0) {
		close(rundir);
		guardian_wait(lifeline, manager);
	}
	if (undo_play(log, -1) < 0)
		return EXIT_FAILURE;
	rundir_release(index);
	return EXIT_SUCCESS;
}

int guardian_start(struct guardian *guardian, bool (*is_taken)(unsigned int index))
{
	AUTO_CLOSE int manager = process_open(getpid());
	AUTO_CLOSE int ours = -1, theirs = -1;
	int ends[2];
	int received[2];
	pid_t pid;
	int err;

	if (manager < 0)
		return error_report(manager, "cannot open a pidfd");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_report(-errno, "cannot make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid == 0)
		_exit(guardian_main(theirs, manager, is_taken));
	if (pid < 0)
		return error_report(-errno, "cannot start the guardian");
	guardian->pidfd = process_open(pid);
	if (guardian->pidfd < 0) {
		err = guardian->pidfd;
		fd_close(&ours);
		waitpid(pid, NULL, 0);
		return error_report(err, "cannot open a pidfd");
	}
	guardian->lifeline = fd_steal(&ours);
	fd_close(&theirs);
	err = fdpass_receive(guardian->lifeline, &guardian->index, sizeof(guardian->index),
			     received, 2);
	if (err == -EPIPE) /* it has said why */
		return err;
	if (err)
		return error_report(err, "no answer from the guardian");
	guardian->log = received[0];
	guardian->start_lock = received[1];
	return 0;
}

void guardian_unlock_start(struct guardian *guardian)
{
	fd_close(&guardian->start_lock);
}

/* The guardian's work, done by the manager. The log is unlocked, so it counts as left behind. */
static int guardian_replace(struct guardian *guardian)
{
	int rundir;

	error_say(0, "the guardian did not finish: undoing the changes here");
	rundir = rundir_open();
	if (rundir < 0)
		return rundir;
	undo_recover(rundir);
	close(rundir);
	rundir_release(guardian->index);
	return 0;
}

int guardian_finish(struct guardian *guardian)
{
	bool had_log = guardian->log >= 0;
	int status = 0;
	int err;

	if (guardian->pidfd < 0)
		return 0;
	shutdown(guardian->lifeline, SHUT_RDWR);
	fd_close(&guardian->lifeline);
	fd_close(&guardian->log);
	fd_close(&guardian->start_lock);
	err = process_wait(guardian->pidfd, GUARDIAN_FINISH_MS, &status);
	fd_close(&guardian->pidfd);
	if (err)
		return error_report(err, "cannot wait for the guardian");
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !had_log))
		return WEXITSTATUS(status) == 0 ? 0 : -EIO;
	return guardian_replace(guardian);
}
