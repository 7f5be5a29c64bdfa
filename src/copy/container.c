// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * container.c - the manager's side of a container.
 */
#include "copy/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "copy/child.h"

enum {
	/* A mount namespace, too, but later: as a copy of the view's (fs_setup()). */
	CONTAINER_NAMESPACES =
		CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP,
};

/* The pidfd is readable, so there is nothing to wait for; but for the case that it is not. */
enum { CONTAINER_REAP_MS = 2000 };

/* ---- Low numbers ---- */

enum { SLOTS = sizeof(((struct container_slots *)NULL)->descriptors) / sizeof(int) };

int container_slots_open(struct container_slots *slots)
{
	*slots = (struct container_slots){.nothing = open("/dev/null", O_RDWR | O_CLOEXEC)};
	for (size_t i = 0; i < SLOTS; i++)
		slots->descriptors[i] = -1;
	slots->end = slots->nothing + 1;
	if (slots->nothing < 0)
		return error_report(-errno, "cannot open /dev/null");
	for (size_t i = 0; i < SLOTS; i++) {
		int fd = fcntl(slots->nothing, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

		if (fd < 0)
			return error_report(-errno, "cannot keep descriptors for the copies");
		slots->descriptors[i] = fd;
		slots->end = fd >= slots->end ? fd + 1 : slots->end;
	}
	return 0;
}

void container_slots_close(struct container_slots *slots)
{
	if (!slots->end)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		fd_close(&slots->descriptors[i]);
	fd_close(&slots->nothing);
	slots->end = 0;
}

static size_t container_slots_find(const struct container_slots *slots)
{
	size_t i = 0;

	while (i < SLOTS && slots->is_used[i])
		i++;
	return i;
}

bool container_slots_are_full(const struct container_slots *slots)
{
	return container_slots_find(slots) == SLOTS;
}

/* Puts @fd into a free slot. Return: the slot's index, or -errno. */
static ssize_t container_slots_take(struct container_slots *slots, int fd)
{
	size_t i = container_slots_find(slots);

	if (i == SLOTS)
		return -EMFILE;
	if (dup3(fd, slots->descriptors[i], O_CLOEXEC) < 0)
		return -errno;
	slots->is_used[i] = true;
	return (ssize_t)i;
}

int container_slots_keep(struct container_slots *slots, int fd)
{
	ssize_t slot = container_slots_take(slots, fd);

	if (slot < 0)
		return (int)slot;
	close(fd);
	fd = slots->descriptors[slot];
	slots->descriptors[slot] = -1; /* the caller's, not a slot any more */
	return fd;
}

/* Frees the slot of a container that has left our table of descriptors, or has ended. */
static void container_leave_slot(struct container *container)
{
	struct container_slots *slots = container->slots;

	if (!slots)
		return;
	container->slots = NULL;
	if (dup3(slots->nothing, slots->descriptors[container->slot], O_CLOEXEC) >= 0)
		slots->is_used[container->slot] = false;
}

/* ---- Birth ---- */

/* Like fork(), but into new namespaces, and the child shares our table of descriptors. */
static long container_clone(struct container *container, int cgroup)
{
	struct clone_args args = {
		.flags = CONTAINER_NAMESPACES | CLONE_FILES | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&container->pidfd,
		.exit_signal = SIGCHLD,
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return syscall(SYS_clone3, &args, sizeof(args));
}

int container_spawn(struct container *container, const struct container_spec *spec)
{
	AUTO_CLOSE int ours = -1, theirs = -1;
	ssize_t slot;
	int ends[2];
	long pid;

	*container = CONTAINER_NONE;
	container->has_notify = spec->notify;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_report(-errno, "copy %u: cannot make a socket pair", spec->number);
	ours = ends[0];
	theirs = ends[1];
	slot = container_slots_take(spec->slots, theirs);
	if (slot < 0)
		return error_report((int)slot, "copy %u: cannot hand its socket on", spec->number);
	container->slots = spec->slots;
	container->slot = (size_t)slot;
	pid = container_clone(container, spec->cgroup);
	if (pid == 0)
		_exit(child_main(spec, spec->slots->descriptors[slot]));
	if (pid < 0) {
		int err = -errno;

		container->pidfd = -1;
		container_leave_slot(container);
		return error_report(err, "copy %u: cannot make its namespaces", spec->number);
	}
	container->pid = (pid_t)pid;
	container->socket = fd_steal(&ours);
	return 0;
}

int container_release(struct container *container)
{
	char go = 0;

	while (send(container->socket, &go, sizeof(go), MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int container_receive(struct container *container)
{
	char hello;
	int received[3];
	int err = fdpass_receive(container->socket, &hello, sizeof(hello), received,
				 container->has_notify ? 3 : 2);

	if (err)
		return err;
	container_leave_slot(container);
	container->output = received[0];
	container->diag = received[1];
	if (container->has_notify)
		container->notify = received[2];
	return 0;
}

int container_signal(const struct container *container, int signal)
{
	return process_signal(container->pidfd, signal);
}

void container_kill(const struct container *container)
{
	process_signal(container->pidfd, SIGKILL);
}

bool container_reap(struct container *container, int *ret_status)
{
	int status;
	bool is_reported =
		recv(container->socket, &status, sizeof(status), MSG_DONTWAIT) == sizeof(status);

	container_leave_slot(container);
	if (process_wait(container->pidfd, CONTAINER_REAP_MS, ret_status) < 0)
		*ret_status = 0;
	if (is_reported)
		*ret_status = status;
	return is_reported;
}

void container_close(struct container *container)
{
	container_leave_slot(container);
	fd_close(&container->pidfd);
	fd_close(&container->socket);
	fd_close(&container->output);
	fd_close(&container->diag);
	fd_close(&container->notify);
}
