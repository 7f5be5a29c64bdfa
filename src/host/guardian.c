// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guardian.c - the manager's side of the guardian. The process itself: watcher.c.
 *
 * How manager and guardian can end, and who then undoes:
 *   the manager ends normally  it sends GUARDIAN_END; the guardian undoes, the manager waits
 *   the manager is killed      the kernel kills the copies; when all are gone, the guardian undoes
 *   the guardian is killed     the manager sees it at its pidfd, stops, and undoes itself
 *   both are killed            the next start finds the log unlocked, and undoes (undo_recover())
 */
#include "host/guardian.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "base/title.h"
#include "host/rundir.h"
#include "host/undo.h"
#include "host/watcher.h"

enum {
	GUARDIAN_FINISH_MS = 6000, /* undoing a thousand copies takes a second; a lock, three */
};

static int guardian_tell(const struct guardian *guardian, const struct guardian_message *message)
{
	return fdpass_tell(guardian->lifeline, message, sizeof(*message));
}

/*
 * Does the guardian's work in the manager, after the guardian has ended. Nobody locks this run's
 * log any more, so undo_recover() takes it for the log of a killed run. Before this is called, all
 * descriptors that came from the guardian must be closed, also those that nobody has received: they
 * would hold the lock.
 */
static int guardian_replace(const struct guardian *guardian)
{
	int rundir, err, remove_err;

	error_say(0, "the guardian did not finish: undoing the changes here");
	rundir = rundir_open(-1);
	if (rundir < 0)
		return rundir;
	err = undo_recover(rundir);
	if (!err && guardian->has_answered && rundir_has_log(rundir, guardian->index))
		err = error_say(-EBUSY,
				"%s: another process holds the undo log of this run: it "
				"stays for the next start",
				RUNDIR);
	close(rundir);
	remove_err = rundir_remove();
	return err ? err : remove_err;
}

/*
 * The guardian was started, but there is no pidfd of it. Until waitpid() its pid cannot belong to
 * another process.
 */
static int guardian_start_failed(struct guardian *guardian, int err)
{
	error_report(err, "cannot open a pidfd");
	kill(guardian->pid, SIGKILL);
	waitpid(guardian->pid, NULL, 0);
	guardian_replace(guardian);
	return err;
}

int guardian_start(struct guardian *guardian, bool (*is_taken)(unsigned int index, void *data),
		   void *data)
{
	AUTO_CLOSE int manager = process_open(getpid());
	AUTO_CLOSE int ours = -1, theirs = -1;
	int ends[2];
	pid_t pid;

	if (manager < 0)
		return error_report(manager, "cannot open a pidfd");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_report(-errno, "cannot make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid == 0) {
		if (guardian->run)
			title_set("%s: %s, guardian", program_invocation_short_name, guardian->run);
		_exit(watcher_main(theirs, manager, guardian->held, is_taken, data));
	}
	if (pid < 0)
		return error_report(-errno, "cannot start the guardian");
	fd_close(&theirs);
	guardian->pid = pid;
	guardian->pidfd = process_open(pid);
	if (guardian->pidfd < 0) {
		fd_close(&ours); /* what was sent to us keeps its lock while this is open */
		return guardian_start_failed(guardian, guardian->pidfd);
	}
	guardian->lifeline = fd_steal(&ours);
	return 0;
}

int guardian_receive(struct guardian *guardian, struct log *ret_log)
{
	int received[2];
	int err = fdpass_receive(guardian->lifeline, &guardian->index, sizeof(guardian->index),
				 received, 2);

	if (err == -EAGAIN || err == -EPIPE) /* -EPIPE: the guardian has ended, and has said why */
		return err;
	if (err)
		return error_report(err, "no answer from the guardian");
	guardian->has_answered = true;
	guardian->start_lock = received[1];
	log_open(ret_log, received[0]);
	return 0;
}

void guardian_unlock_start(struct guardian *guardian)
{
	fd_close(&guardian->start_lock);
}

/* Reports why a message could not be sent, unless the caller will try again (-EAGAIN). */
static int guardian_check_sent(int err)
{
	if (err && err != -EAGAIN)
		return error_report(err, "cannot reach the guardian");
	return err;
}

int guardian_hold_table(const struct guardian *guardian, const char *table, int socket)
{
	struct guardian_message message = {.kind = GUARDIAN_TABLE};
	int err;

	snprintf(message.table, sizeof(message.table), "%s", table);
	err = fdpass_send(guardian->lifeline, &message, sizeof(message), (int[]){socket, socket},
			  2);
	return err ? error_report(err, "cannot reach the guardian") : 0;
}

int guardian_hold_copy(const struct guardian *guardian, const struct guardian_copy *copy)
{
	const struct guardian_message message = {.kind = GUARDIAN_COPY, .copy = *copy};

	return guardian_check_sent(fdpass_send(guardian->lifeline, &message, sizeof(message),
					       (int[]){copy->pidfd, copy->diag}, 2));
}

int guardian_drop_copy(const struct guardian *guardian, unsigned int id)
{
	const struct guardian_message message = {.kind = GUARDIAN_DROP, .copy.id = id};

	return guardian_check_sent(guardian_tell(guardian, &message));
}

/*
 * Waits until the guardian has ended. Return: 0: everything is undone; -EIO: it failed before there
 * was anything to undo; -EBUSY: it did not get the lock of the runtime directory; -ESRCH: the
 * manager has to undo; or another -errno, reported.
 */
static int guardian_await(const struct guardian *guardian)
{
	int status = 0;
	int err = process_wait(guardian->pidfd, GUARDIAN_FINISH_MS, &status);

	if (err) { /* the guardian is stopped, or hangs */
		process_signal(guardian->pidfd, SIGKILL);
		err = process_wait(guardian->pidfd, GUARDIAN_FINISH_MS, NULL);
		return err ? error_report(err, "cannot wait for the guardian") : -ESRCH;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == WATCHER_LOCKED)
		return -EBUSY; /* the manager would not get the lock either */
	/*
	 * If the guardian exited before it answered, it failed before there was anything to undo.
	 */
	return WIFEXITED(status) && !guardian->has_answered ? -EIO : -ESRCH;
}

int guardian_finish(struct guardian *guardian)
{
	const struct guardian_message end = {.kind = GUARDIAN_END};
	struct pollfd room = {.fd = guardian->lifeline, .events = POLLOUT};
	int err;

	if (guardian->pidfd < 0)
		return 0;
	fd_close(&guardian->start_lock);
	process_signal(guardian->pidfd, SIGCONT);
	/* It may have more to read than there is room for. If it does not read, nor end, kill it.
	 */
	err = guardian_tell(guardian, &end);
	if (err == -EAGAIN && poll(&room, 1, GUARDIAN_FINISH_MS) > 0)
		err = guardian_tell(guardian, &end);
	if (err)
		process_signal(guardian->pidfd, SIGKILL);
	shutdown(guardian->lifeline, SHUT_RDWR);
	fd_close(&guardian->lifeline);
	err = guardian_await(guardian);
	fd_close(&guardian->pidfd);
	return err == -ESRCH ? guardian_replace(guardian) : err;
}
