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

/**
 * Descriptors with low numbers, kept for containers that are being born.
 *
 * A process with thousands of descriptors takes long to copy: each is copied, only to be closed by
 * the child. So a first process is cloned with our table of descriptors itself (CLONE_FILES), and
 * leaves it at once, with a copy of the low numbers alone (close_range(2), CLOSE_RANGE_UNSHARE).
 * What it needs has to be among those, and must stay there until it has left: until it is heard of.
 */
struct container_slots {
	int descriptors[64]; /* each: a socket to one that is being born, or nothing in particular
			      */
	bool is_used[64];
	int nothing;
	int end; /* above the highest of them; 0: they are not open */
};

/** container_slots_open() - to be called while few descriptors are open. Return: 0 or -errno,
 * reported. */
int container_slots_open(struct container_slots *slots);

/** container_slots_close() - Safe to repeat, and on zeros. */
void container_slots_close(struct container_slots *slots);

/** container_slots_are_full() - no more can be born before one of them was heard of. */
bool container_slots_are_full(const struct container_slots *slots);

/** container_slots_keep() - give @fd, owned, a low number for good. Return: that, or -errno. */
int container_slots_keep(struct container_slots *slots, int fd);

struct container_spec {
	unsigned int number; /* 1, 2, ... */
	struct container_slots *slots;
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
	int lifeline; /* kept open by its first process as long as that lives; a slot */
};

struct container {
	pid_t pid;                     /* of its first process, in the host's numbers */
	int pidfd;                     /* readable when all of it has ended; -1: there is none */
	int socket;                    /* to its first process; readable for container_receive() */
	int output;                    /* what the program prints (a pty's master, non-blocking) */
	int diag;                      /* a sock_diag socket in its network namespace */
	struct container_slots *slots; /* NULL: it has none any more */
	size_t slot;
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
