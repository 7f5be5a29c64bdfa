// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * watcher.c - the guardian's process. It is a child of the manager, in a session of its own, so
 * that no signal of the terminal reaches it.
 */
#include "host/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
	WATCHER_COPIES_MS = 2000,
	WATCHER_FILES = 4096, /* two descriptors for each copy that a bridge has a port for */
};

static int watcher_claim(int rundir, bool (*is_taken)(unsigned int index, void *data), void *data,
			 unsigned int *ret_index)
{
	for (unsigned int index = 0; index < RUNDIR_INDEX_MAX; index++) {
		int log = is_taken(index, data) ? -EEXIST : rundir_claim(rundir, index);

		if (log == -EEXIST)
			continue;
		*ret_index = index;
		return log;
	}
	return error_say(-EUSERS,
			 "there are %d runs already, or names and logs that runs have left",
			 RUNDIR_INDEX_MAX);
}

/* What the guardian holds in case the manager is killed. */
struct watcher_held {
	int socket;                   /* of the nftables table, and of the guard; -1: none */
	char table[NFT_TABLE_MAX];    /* its name */
	struct guardian_copy *copies; /* @count of them */
	size_t count, size;
	bool is_manager_done; /* the manager has said that it is done (GUARDIAN_END) */
};

static void watcher_add_copy(struct watcher_held *held, struct guardian_copy copy, const int fds[2])
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

static void watcher_remove_copy(struct watcher_held *held, unsigned int id)
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

/* Takes one message from the manager. Return: false if there will be no more. */
static bool watcher_hear(int lifeline, struct watcher_held *held)
{
	struct guardian_message message = {0};
	int fds[2];
	/* -EBADMSG: the message came without descriptors */
	int err = fdpass_receive(lifeline, &message, sizeof(message), fds, 2);

	if (!err && message.kind == GUARDIAN_COPY)
		watcher_add_copy(held, message.copy, fds);
	if (!err && message.kind == GUARDIAN_TABLE) {
		held->socket = fds[0];
		memcpy(held->table, message.table, sizeof(held->table));
		close(fds[1]);
	}
	if (err == -EBADMSG && message.kind == GUARDIAN_COPY)
		error_say(0, "the guardian cannot take a copy's descriptors: too many open files");
	if (err == -EBADMSG && message.kind == GUARDIAN_DROP)
		watcher_remove_copy(held, message.copy.id);
	if (err == -EBADMSG && message.kind == GUARDIAN_END)
		held->is_manager_done = true;
	return err != -EPIPE && !held->is_manager_done;
}

/*
 * Waits until the manager says that it is done; or until the manager has ended and nobody holds the
 * other end of the lifeline any more. Both events are needed, because either can come first: the
 * copies may let go of the lifeline a moment before the manager ends, or after.
 */
static void watcher_wait(int lifeline, int manager, struct watcher_held *held)
{
	struct pollfd events[] = {
		{.fd = lifeline, .events = POLLIN},
		{.fd = manager, .events = POLLIN},
	};
	int timeout_ms = -1;

	while (!held->is_manager_done && (events[0].fd >= 0 || events[1].fd >= 0)) {
		int n = poll(events, sizeof(events) / sizeof(events[0]), timeout_ms);

		if (n == 0)
			break;
		if (n < 0)
			continue;
		if (events[1].revents) {
			events[1].fd = -1;
			timeout_ms = WATCHER_COPIES_MS;
		}
		if (events[0].revents && !watcher_hear(lifeline, held))
			events[0].fd = -1;
	}
}

/* Ends the connections that the copies have left behind. */
static void watcher_end_connections(const struct watcher_held *held)
{
	struct connections_owner *owners = calloc(held->count + 1, sizeof(*owners));
	struct netlink *diags = calloc(held->count + 1, sizeof(*diags));
	struct netlink netfilter;
	size_t count = 0;

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
	if (netlink_open(&netfilter, NETLINK_NETFILTER) == 0)
		connections_end(&netfilter, owners, count);
	netlink_close(&netfilter);
	/*
	 * Do not close the sockets: the kernel would then take the copies' namespaces apart, which
	 * would delay the undoing. They are closed when this process ends.
	 */
	free(owners);
	free(diags);
}

/*
 * The manager was killed: does what a normal stop does, in the same order. Waits for the copies,
 * and then ends their connections; the rules are removed after that. The lifeline does not show
 * that a copy has ended completely: its first process lets go of the lifeline earlier. The copy's
 * pidfd becomes readable when the last process of its pid namespace has ended.
 */
static void watcher_end_copies(struct watcher_held *held)
{
	int timeout_ms = WATCHER_COPIES_MS;

	for (size_t i = 0; i < held->count; i++)
		if (process_await(held->copies[i].pidfd, timeout_ms) == -ETIMEDOUT)
			timeout_ms = 0; /* all copies share this time */
	watcher_end_connections(held);
}

static void watcher_close_copies(struct watcher_held *held)
{
	while (held->count)
		watcher_remove_copy(held, held->copies[0].id);
}

static int watcher_leave_terminal(int lifeline, int manager, int kept)
{
	AUTO_CLOSE int null = -1;
	struct rlimit before;

	error_redirect(NULL, NULL);
	process_raise_file_limit(WATCHER_FILES, &before); /* where it may */
	setsid();
	prctl(PR_SET_NAME, "uva_guardian");
	process_keep_fds((int[]){lifeline, manager, kept, rundir_descriptor()}, 4);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return error_report(-errno, "the guardian cannot use /dev/null");
	return chdir("/") < 0 ? error_report(-errno, "the guardian cannot enter /") : 0;
}

/*
 * Undoes what killed runs have left. Then makes the log of this run, and sends it to the manager,
 * together with the lock on the directory.
 * Return: a descriptor or -errno, reported. -ECANCELED (unreported): the manager does not want the
 * log any more.
 */
static int watcher_open_log(int lifeline, bool (*is_taken)(unsigned int index, void *data),
			    void *data, unsigned int *ret_index)
{
	AUTO_CLOSE int rundir = rundir_open(lifeline);
	int log, err;

	if (rundir < 0)
		return rundir;
	undo_recover(rundir);
	log = watcher_claim(rundir, is_taken, data, ret_index);
	if (log < 0)
		return log;
	err = fdpass_send(lifeline, ret_index, sizeof(*ret_index), (int[]){log, rundir}, 2);
	if (err) { /* go on in any case: the log has to be removed */
		if (err != -EPIPE)
			error_report(err, "the guardian cannot reach the manager");
		shutdown(lifeline, SHUT_RDWR);
	}
	return log;
}

/*
 * The table goes before the links. The manager has removed it unless it was killed. The socket
 * serves on, as the owner of the guard: while it is open, nobody can flush the guard, which has to
 * stay until no uplink forwards any more.
 */
static int watcher_undo(int log, struct watcher_held *held)
{
	struct netlink netfilter = {0};

	if (held->socket >= 0)
		netlink_adopt(&netfilter, fd_steal(&held->socket));
	/* If it cannot be deleted so, then by the end of its owner. */
	if (netfilter.socket && !held->is_manager_done &&
	    nft_table_delete(&netfilter, held->table) < 0)
		netlink_close(&netfilter);
	return undo_play(log, -1, &netfilter);
}

int watcher_main(int lifeline, int manager, int kept,
		 bool (*is_taken)(unsigned int index, void *data), void *data)
{
	struct watcher_held held = {.socket = -1};
	unsigned int index;
	int err = watcher_leave_terminal(lifeline, manager, kept);
	int log;

	if (err)
		return EXIT_FAILURE;
	log = watcher_open_log(lifeline, is_taken, data, &index);
	if (log < 0) {
		rundir_remove();
		return log == -ECANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	watcher_wait(lifeline, manager, &held);
	if (!held.is_manager_done)
		watcher_end_copies(&held);
	else /* the manager holds their namespaces; here all descriptors may be in use */
		watcher_close_copies(&held);
	err = watcher_undo(log, &held);
	if (!err)
		err = rundir_release(index);
	if (err == -ETIMEDOUT)
		return WATCHER_LOCKED;
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
