// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy.c - the manager's side of a copy.
 */
#include "copy/copy.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "copy/child.h"

enum {
	COPY_NAMESPACES = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
			  CLONE_NEWCGROUP,
	COPY_SETUP_S = 10, /* a deadline; it takes a millisecond */
};

/* Like fork(), into new namespaces. */
static long copy_clone(struct copy *copy, int cgroup)
{
	struct clone_args args = {
		.flags = COPY_NAMESPACES | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&copy->pidfd,
		.exit_signal = SIGCHLD,
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return syscall(SYS_clone3, &args, sizeof(args));
}

int copy_spawn(struct copy *copy, const struct copy_spec *spec)
{
	const struct timeval deadline = {.tv_sec = COPY_SETUP_S};
	AUTO_CLOSE int ours = -1, theirs = -1;
	int ends[2];
	long pid;

	*copy = COPY_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_report(-errno, "copy %u: cannot make a socket pair", spec->number);
	ours = ends[0];
	theirs = ends[1];
	if (setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) < 0)
		return error_report(-errno, "copy %u: cannot set a deadline", spec->number);
	pid = copy_clone(copy, spec->cgroup);
	if (pid == 0)
		_exit(child_main(spec, theirs));
	if (pid < 0) {
		copy->pidfd = -1;
		return error_report(-errno, "copy %u: cannot make its namespaces", spec->number);
	}
	copy->pid = (pid_t)pid;
	copy->socket = fd_steal(&ours);
	return 0;
}

int copy_release(struct copy *copy)
{
	char go = 0;

	while (send(copy->socket, &go, sizeof(go), MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int copy_receive(struct copy *copy)
{
	char hello;
	int received[2];
	int err = fdpass_receive(copy->socket, &hello, sizeof(hello), received, 2);

	if (err)
		return err;
	copy->output = received[0];
	copy->diag = received[1];
	return 0;
}

int copy_signal(const struct copy *copy, int signal)
{
	return process_signal(copy->pidfd, signal);
}

void copy_kill(const struct copy *copy)
{
	process_signal(copy->pidfd, SIGKILL);
}

bool copy_reap(struct copy *copy, int *ret_status)
{
	int status;
	bool reported = recv(copy->socket, &status, sizeof(status), MSG_DONTWAIT) == sizeof(status);

	if (process_wait(copy->pidfd, -1, ret_status) < 0)
		*ret_status = 0;
	if (reported)
		*ret_status = status;
	return reported;
}

void copy_close(struct copy *copy)
{
	fd_close(&copy->pidfd);
	fd_close(&copy->socket);
	fd_close(&copy->output);
	fd_close(&copy->diag);
}
