/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container.h - the namespaces of one copy, and the processes in them.
 *
 * A container is born in two steps, because its link is made from outside: container_spawn() clones
 * its first process into its namespaces, where it sets up its files; container_release() tells it
 * that its link is there, upon which it sets up its network, drops its privileges and starts the
 * program. Nothing here waits: what comes back is an event of a descriptor.
 */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "copy/filter.h"
#include "copy/fs.h"
#include "copy/identity.h"
#include "net/link.h"

struct container_spec {
	unsigned int number; /* 1, 2, ... */
	const char *hostname;
	struct fs_spec fs;
	char *const *argv; /* the program; argv[0] is looked up in PATH unless it has a slash */
	const struct identity *identity;
	const struct filter *filter;
	const char *link;            /* name of its link, inside: "eth0" */
	struct mac mac, gateway_mac; /* of that link, and of the other end of the way out */
	struct address address, gateway;
	struct address address6, gateway6; /* AF_UNSPEC: without IPv6 */
	struct rlimit files;               /* RLIMIT_NOFILE of the program */
	int cgroup;   /* directory of the control group it is born into; -1: the manager's */
	int lifeline; /* kept open by its first process as long as that lives */
};

struct container {
	pid_t pid;  /* of its first process, in the host's numbers */
	int pidfd;  /* readable when all of it has ended; -1: there is none */
	int socket; /* to its first process; readable for container_receive() */
	int output; /* what the program prints (a pty's master, non-blocking) */
	int diag;   /* a sock_diag socket in its network namespace */
};

/** There is none: for container_close() to be right from the beginning. */
#define CONTAINER_NONE ((struct container){.pidfd = -1, .socket = -1, .output = -1, .diag = -1})

/**
 * container_spawn() - clone a container's first process; it waits for container_release()
 * @spec: read by the new process in its own copy of our memory: may be gone after the call
 *
 * All signals must be blocked. Return: 0 or -errno, reported.
 */
int container_spawn(struct container *container, const struct container_spec *spec);

/** container_release() - its link is there: let it go on. Return: 0 or -errno. */
int container_release(struct container *container);

/**
 * container_receive() - get its @container->output and @container->diag: its files are set up
 * Return: 0; -EAGAIN: not yet; -EPIPE: it gave up, and has reported why; or another -errno.
 */
int container_receive(struct container *container);

/** container_signal() - send the program a signal. Return: 0 or -errno. */
int container_signal(const struct container *container, int signal);

/** container_kill() - end all of its processes at once. Its pidfd tells when they have ended. */
void container_kill(const struct container *container);

/**
 * container_reap() - after @container->pidfd became readable: how did the program end?
 * @ret_status: wait status, as of wait(2)
 *
 * Return: true, or false where its first process ended without a report (killed from outside, or
 * it failed before the program ran); then @ret_status is that process's own.
 */
bool container_reap(struct container *container, int *ret_status);

/** container_close() - close what is open. Does not end it. Safe to repeat. */
void container_close(struct container *container);
