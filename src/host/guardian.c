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
#include <fcntl.h>
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
#include "net/diag.h"
#include "net/rule.h"

enum {
	/* copies that were killed with the manager and cannot die at once (a hung disk) */
	GUARDIAN_COPIES_MS = 2000,
	GUARDIAN_FINISH_MS = 30000,
};

static int guardian_claim(int rundir, bool (*is_taken)(unsigned int index), unsigned int *ret_index)
{
	for (unsigned int index = 0; index < RULE_RUNS_MAX; index++) {
		int log = is_taken(index) ? -EEXIST : rundir_claim(rundir, index);

		if (log == -EEXIST)
			continue;
		*ret_index = index;
		return log;
	}
	return error_say(-EUSERS, "there are %d runs already, or what they have left",
			 RULE_RUNS_MAX);
}

/* What the manager sends, the last two with two descriptors. */
enum { GUARDIAN_END = 'e', GUARDIAN_TABLE = 't', GUARDIAN_COPY = 'c' };

/* What the guardian holds for the case that the manager is killed. */
struct guardian_held {
	int table; /* socket of the nftables table; -1: none */
	size_t count;
	struct guardian_copy {
		int pidfd, diag;
	} * copies;
	bool orderly; /* the manager has said that it is done */
};

static void guardian_add_copy(struct guardian_held *held, const int fds[2])
{
	struct guardian_copy *grown =
		reallocarray(held->copies, held->count + 1, sizeof(*held->copies));

	if (!grown) {
		close(fds[0]);
		close(fds[1]);
		return;
	}
	held->copies = grown;
	held->copies[held->count++] = (struct guardian_copy){fds[0], fds[1]};
}

/* Return: whether there may be more. */
static bool guardian_hear(int lifeline, struct guardian_held *held)
{
	char message = 0;
	int fds[2];
	int err = fdpass_receive(lifeline, &message, sizeof(message), fds, 2);

	held->orderly = message == GUARDIAN_END;
	if (!err && message == GUARDIAN_COPY)
		guardian_add_copy(held, fds);
	if (!err && message == GUARDIAN_TABLE) {
		held->table = fds[0];
		close(fds[1]);
	}
	return err != -EPIPE && !held->orderly;
}

/*
 * Waits until nobody holds the other end of the lifeline any more, or the manager has said that it
 * is done. The copies let go a moment earlier than the manager, or later: neither alone will do.
 */
static void guardian_wait(int lifeline, int manager, struct guardian_held *held)
{
	struct pollfd events[] = {
		{.fd = lifeline, .events = POLLIN},
		{.fd = manager, .events = POLLIN},
	};
	int timeout_ms = -1;

	while (!held->orderly && (events[0].fd >= 0 || events[1].fd >= 0)) {
		int n = poll(events, sizeof(events) / sizeof(events[0]), timeout_ms);

		if (n == 0)
			break;
		if (n < 0)
			continue;
		if (events[1].revents) {
			events[1].fd = -1;
			timeout_ms = GUARDIAN_COPIES_MS;
		}
		if (events[0].revents && !guardian_hear(lifeline, held))
			events[0].fd = -1;
	}
}

/*
 * After the manager's sudden death, in the order of a clean stop: copies, their connections, rules.
 * A pidfd becomes readable when the last process of its pid namespace is gone, which is later than
 * the end of the first one's hold on the lifeline.
 */
static void guardian_end_copies(struct guardian_held *held)
{
	int timeout_ms = GUARDIAN_COPIES_MS;

	for (size_t i = 0; i < held->count; i++)
		if (process_await(held->copies[i].pidfd, timeout_ms) == -ETIMEDOUT)
			timeout_ms = 0; /* it was time for all of them */
	for (size_t i = 0; i < held->count; i++) {
		struct netlink diag;

		if (netlink_adopt(&diag, held->copies[i].diag) < 0)
			continue;
		diag_abort_all(&diag);
		netlink_close(&diag);
	}
	fd_close(&held->table);
}

static int guardian_leave_terminal(int lifeline, int manager)
{
	AUTO_CLOSE int null = -1;

	setsid();
	prctl(PR_SET_NAME, "uva_guardian");
	process_keep_fds((int[]){lifeline, manager}, 2);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return error_report(-errno, "the guardian cannot use /dev/null");
	return chdir("/") < 0 ? error_report(-errno, "the guardian cannot enter /") : 0;
}

/* The log of this run, sent to the manager together with the lock on the directory. */
static int guardian_open_log(int lifeline, bool (*is_taken)(unsigned int index),
			     unsigned int *ret_index)
{
	AUTO_CLOSE int rundir = rundir_open();
	int log, err;

	if (rundir < 0)
		return rundir;
	undo_recover(rundir);
	log = guardian_claim(rundir, is_taken, ret_index);
	if (log < 0)
		return log;
	err = fdpass_send(lifeline, ret_index, sizeof(*ret_index), (int[]){log, rundir}, 2);
	if (err) { /* even so: there is a log to be removed */
		if (err != -EPIPE)
			error_report(err, "the guardian cannot reach the manager");
		shutdown(lifeline, SHUT_RDWR);
	}
	return log;
}

static int guardian_main(int lifeline, int manager, bool (*is_taken)(unsigned int index))
{
	struct guardian_held held = {.table = -1};
	unsigned int index;
	int err = guardian_leave_terminal(lifeline, manager);
	int log;

	if (err)
		return EXIT_FAILURE;
	log = guardian_open_log(lifeline, is_taken, &index);
	if (log < 0) {
		rundir_remove();
		return EXIT_FAILURE;
	}
	guardian_wait(lifeline, manager, &held);
	/* If it was orderly the table is gone; closing its socket now would only wait for RCU. */
	if (!held.orderly)
		guardian_end_copies(&held);
	err = undo_play(log, -1);
	if (!err)
		err = rundir_release(index);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int guardian_say_end(int lifeline)
{
	const char end = GUARDIAN_END;

	while (send(lifeline, &end, sizeof(end), MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/*
 * The guardian's work, done by the manager: its log is locked by nobody, so it counts as left
 * behind. All descriptors that came from the guardian must be closed, also those that nobody has
 * received.
 */
static int guardian_replace(void)
{
	int rundir, err, remove_err;

	error_say(0, "the guardian did not finish: undoing the changes here");
	rundir = rundir_open();
	if (rundir < 0)
		return rundir;
	err = undo_recover(rundir);
	close(rundir);
	remove_err = rundir_remove();
	return err ? err : remove_err;
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
	guardian->pid = pid;
	guardian->pidfd = process_open(pid);
	if (guardian->pidfd < 0) {
		err = error_report(guardian->pidfd, "cannot open a pidfd");
		fd_close(&ours);
		kill(pid, SIGKILL); /* it is not reaped yet: the pid is still its own */
		waitpid(pid, NULL, 0);
		guardian_replace();
		return err;
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

static int guardian_send(const struct guardian *guardian, char message, int a, int b)
{
	int err = fdpass_send(guardian->lifeline, &message, sizeof(message), (int[]){a, b}, 2);

	return err ? error_report(err, "cannot reach the guardian") : 0;
}

int guardian_hold_table(const struct guardian *guardian, int socket)
{
	return guardian_send(guardian, GUARDIAN_TABLE, socket, socket);
}

int guardian_hold_copy(const struct guardian *guardian, int pidfd, int diag)
{
	return guardian_send(guardian, GUARDIAN_COPY, pidfd, diag);
}

int guardian_finish(struct guardian *guardian)
{
	bool had_log = guardian->log >= 0;
	int status = 0;
	int err;

	if (guardian->pidfd < 0)
		return 0;
	fd_close(&guardian->log);
	fd_close(&guardian->start_lock);
	/* One that cannot be told, or was never heard of, is ended; the work is then done here. */
	if (!had_log || guardian_say_end(guardian->lifeline) < 0)
		process_signal(guardian->pidfd, SIGKILL);
	shutdown(guardian->lifeline, SHUT_RDWR);
	fd_close(&guardian->lifeline);
	err = process_wait(guardian->pidfd, GUARDIAN_FINISH_MS, &status);
	fd_close(&guardian->pidfd);
	if (err)
		return error_report(err, "cannot wait for the guardian");
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !had_log))
		return WEXITSTATUS(status) == 0 ? 0 : -EIO;
	return guardian_replace();
}
