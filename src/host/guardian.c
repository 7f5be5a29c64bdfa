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
#include "net/connections.h"

enum {
	/* copies that were killed with the manager and cannot die at once (a hung disk) */
	GUARDIAN_COPIES_MS = 2000,
	/* thousands of links take a second or two */
	GUARDIAN_FINISH_MS = 10000,
};

static int guardian_claim(int rundir, bool (*is_taken)(unsigned int index, void *data), void *data,
			  unsigned int *ret_index)
{
	for (unsigned int index = 0; index < RECORD_INDEX_MAX; index++) {
		int log = is_taken(index, data) ? -EEXIST : rundir_claim(rundir, index);

		if (log == -EEXIST)
			continue;
		*ret_index = index;
		return log;
	}
	return error_say(-EUSERS, "there are %d runs already, or what they have left",
			 RECORD_INDEX_MAX);
}

/* What the manager sends. The first two come with two descriptors. */
enum guardian_kind {
	GUARDIAN_TABLE = 't',
	GUARDIAN_COPY = 'c',
	GUARDIAN_DROP = 'd',
	GUARDIAN_END = 'e',
};

struct guardian_message {
	enum guardian_kind kind;
	struct guardian_copy copy;
};

/* What the guardian holds for the case that the manager is killed. */
struct guardian_held {
	int table;                    /* socket of the nftables table; -1: none */
	struct guardian_copy *copies; /* @count of them */
	size_t count, size;
	bool is_orderly; /* the manager has said that it is done */
};

static void guardian_add_copy(struct guardian_held *held, struct guardian_copy copy,
			      const int fds[2])
{
	copy.pidfd = fds[0];
	copy.diag = fds[1];
	if (held->count == held->size) {
		size_t size = 2 * held->size + 8;
		struct guardian_copy *grown = reallocarray(held->copies, size, sizeof(*grown));

		if (!grown) {
			close(fds[0]);
			close(fds[1]);
			return;
		}
		held->copies = grown;
		held->size = size;
	}
	held->copies[held->count++] = copy;
}

static void guardian_remove_copy(struct guardian_held *held, unsigned int id)
{
	for (size_t i = 0; i < held->count; i++) {
		if (held->copies[i].id != id)
			continue;
		close(held->copies[i].pidfd);
		close(held->copies[i].diag);
		held->copies[i] = held->copies[--held->count];
		return;
	}
}

/* Return: whether there may be more. */
static bool guardian_hear(int lifeline, struct guardian_held *held)
{
	struct guardian_message message = {0};
	int fds[2];
	/* -EBADMSG: it came without descriptors */
	int err = fdpass_receive(lifeline, &message, sizeof(message), fds, 2);

	if (!err && message.kind == GUARDIAN_COPY)
		guardian_add_copy(held, message.copy, fds);
	if (!err && message.kind == GUARDIAN_TABLE) {
		held->table = fds[0];
		close(fds[1]);
	}
	if (err == -EBADMSG && message.kind == GUARDIAN_DROP)
		guardian_remove_copy(held, message.copy.id);
	if (err == -EBADMSG && message.kind == GUARDIAN_END)
		held->is_orderly = true;
	return err != -EPIPE && !held->is_orderly;
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

	while (!held->is_orderly && (events[0].fd >= 0 || events[1].fd >= 0)) {
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
	struct connections_owner *owners = calloc(held->count, sizeof(*owners));
	struct netlink *diags = calloc(held->count, sizeof(*diags));
	int timeout_ms = GUARDIAN_COPIES_MS;
	size_t count = 0;

	for (size_t i = 0; i < held->count; i++)
		if (process_await(held->copies[i].pidfd, timeout_ms) == -ETIMEDOUT)
			timeout_ms = 0; /* it was time for all of them */
	for (size_t i = 0; owners && diags && i < held->count; i++) {
		const struct guardian_copy *copy = &held->copies[i];

		if (netlink_adopt(&diags[count], copy->diag) < 0)
			continue;
		owners[count] = (struct connections_owner){
			.addresses = {copy->addresses[0], copy->addresses[1]},
			.diag = &diags[count],
		};
		count++;
	}
	connections_end(owners, count);
	/* The namespaces stay until this process ends: taking them apart would hold up the undoing.
	 */
	free(owners);
	free(diags);
	fd_close(&held->table);
}

static int guardian_leave_terminal(int lifeline, int manager)
{
	AUTO_CLOSE int null = -1;

	error_redirect(NULL, NULL);
	setsid();
	prctl(PR_SET_NAME, "uva_guardian");
	process_keep_fds((int[]){lifeline, manager}, 2);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return error_report(-errno, "the guardian cannot use /dev/null");
	return chdir("/") < 0 ? error_report(-errno, "the guardian cannot enter /") : 0;
}

/*
 * Sends the log of this run to the manager, together with the lock on the directory.
 * Return: a descriptor or -errno, reported. -ECANCELED (unreported): the manager wants no more.
 */
static int guardian_open_log(int lifeline, bool (*is_taken)(unsigned int index, void *data),
			     void *data, unsigned int *ret_index)
{
	AUTO_CLOSE int rundir = rundir_open(lifeline);
	int log, err;

	if (rundir < 0)
		return rundir;
	undo_recover(rundir);
	log = guardian_claim(rundir, is_taken, data, ret_index);
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

static int guardian_main(int lifeline, int manager,
			 bool (*is_taken)(unsigned int index, void *data), void *data)
{
	struct guardian_held held = {.table = -1};
	unsigned int index;
	int err = guardian_leave_terminal(lifeline, manager);
	int log;

	if (err)
		return EXIT_FAILURE;
	log = guardian_open_log(lifeline, is_taken, data, &index);
	if (log < 0) {
		rundir_remove();
		return log == -ECANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	guardian_wait(lifeline, manager, &held);
	/* If it was orderly the table is gone; closing its socket now would only wait for RCU. */
	if (!held.is_orderly)
		guardian_end_copies(&held);
	err = undo_play(log, -1);
	if (!err)
		err = rundir_release(index);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A message without descriptors. */
static int guardian_tell(const struct guardian *guardian, const struct guardian_message *message)
{
	while (send(guardian->lifeline, message, sizeof(*message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
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
	rundir = rundir_open(-1);
	if (rundir < 0)
		return rundir;
	err = undo_recover(rundir);
	close(rundir);
	remove_err = rundir_remove();
	return err ? err : remove_err;
}

/* There is a process, but no way to wait for it other than by its pid, which it keeps until then.
 */
static int guardian_start_failed(struct guardian *guardian, int err)
{
	error_report(err, "cannot open a pidfd");
	kill(guardian->pid, SIGKILL);
	waitpid(guardian->pid, NULL, 0);
	guardian_replace();
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
	if (pid == 0)
		_exit(guardian_main(theirs, manager, is_taken, data));
	if (pid < 0)
		return error_report(-errno, "cannot start the guardian");
	fd_close(&theirs);
	guardian->pid = pid;
	guardian->pidfd = process_open(pid);
	if (guardian->pidfd < 0)
		return guardian_start_failed(guardian, guardian->pidfd);
	guardian->lifeline = fd_steal(&ours);
	return 0;
}

int guardian_receive(struct guardian *guardian, struct log *ret_log)
{
	int received[2];
	int err = fdpass_receive(guardian->lifeline, &guardian->index, sizeof(guardian->index),
				 received, 2);

	if (err == -EAGAIN || err == -EPIPE) /* -EPIPE: it has ended, and has said why */
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

static int guardian_sent(int err)
{
	return err && err != -EAGAIN ? error_report(err, "cannot reach the guardian") : err;
}

int guardian_hold_table(const struct guardian *guardian, int socket)
{
	const struct guardian_message message = {.kind = GUARDIAN_TABLE};

	return guardian_sent(fdpass_send(guardian->lifeline, &message, sizeof(message),
					 (int[]){socket, socket}, 2));
}

int guardian_hold_copy(const struct guardian *guardian, const struct guardian_copy *copy)
{
	const struct guardian_message message = {.kind = GUARDIAN_COPY, .copy = *copy};

	return guardian_sent(fdpass_send(guardian->lifeline, &message, sizeof(message),
					 (int[]){copy->pidfd, copy->diag}, 2));
}

int guardian_drop_copy(const struct guardian *guardian, unsigned int id)
{
	const struct guardian_message message = {.kind = GUARDIAN_DROP, .copy.id = id};

	return guardian_sent(guardian_tell(guardian, &message));
}

/* The guardian's exit status says how it went. Return: 0, -EIO, or -ESRCH: the work is still to be
 * done. */
static int guardian_await(const struct guardian *guardian)
{
	int status = 0;
	int err = process_wait(guardian->pidfd, GUARDIAN_FINISH_MS, &status);

	if (err) { /* it is stopped, or hangs */
		process_signal(guardian->pidfd, SIGKILL);
		err = process_wait(guardian->pidfd, GUARDIAN_FINISH_MS, NULL);
		return err ? error_report(err, "cannot wait for the guardian") : -ESRCH;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	/* Where it has never answered, it has failed before there was anything to undo. */
	return WIFEXITED(status) && !guardian->has_answered ? -EIO : -ESRCH;
}

int guardian_finish(struct guardian *guardian)
{
	const struct guardian_message end = {.kind = GUARDIAN_END};
	int err;

	if (guardian->pidfd < 0)
		return 0;
	fd_close(&guardian->start_lock);
	/* It has been killed, or was stopped so long that there is no room for one message more. */
	if (guardian_tell(guardian, &end) < 0)
		process_signal(guardian->pidfd, SIGKILL);
	shutdown(guardian->lifeline, SHUT_RDWR);
	fd_close(&guardian->lifeline);
	process_signal(guardian->pidfd, SIGCONT);
	err = guardian_await(guardian);
	fd_close(&guardian->pidfd);
	return err == -ESRCH ? guardian_replace() : err;
}
