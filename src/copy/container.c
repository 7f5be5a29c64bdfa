// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * container.c - the manager's side of a container.
 */
#include "copy/container.h"

#include <errno.h>
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
	CONTAINER_NAMESPACES = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |
			       CLONE_NEWIPC | CLONE_NEWCGROUP,
};

/* Like fork(), into new namespaces. */
static long container_clone(struct container *container, int cgroup)
{
	struct clone_args args = {
		.flags = CONTAINER_NAMESPACES | CLONE_PIDFD,
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
	int ends[2];
	long pid;

	*container = CONTAINER_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_report(-errno, "copy %u: cannot make a socket pair", spec->number);
	ours = ends[0];
	theirs = ends[1];
	pid = container_clone(container, spec->cgroup);
	if (pid == 0)
		_exit(child_main(spec, theirs));
	if (pid < 0) {
		container->pidfd = -1;
		return error_report(-errno, "copy %u: cannot make its namespaces", spec->number);
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
	int received[2];
	int err = fdpass_receive(container->socket, &hello, sizeof(hello), received, 2);

	if (err)
		return err;
	container->output = received[0];
	container->diag = received[1];
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
	bool reported =
		recv(container->socket, &status, sizeof(status), MSG_DONTWAIT) == sizeof(status);

	if (process_wait(container->pidfd, -1, ret_status) < 0)
		*ret_status = 0;
	if (reported)
		*ret_status = status;
	return reported;
}

void container_close(struct container *container)
{
	fd_close(&container->pidfd);
	fd_close(&container->socket);
	fd_close(&container->output);
	fd_close(&container->diag);
}
