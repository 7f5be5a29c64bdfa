/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container.h - the namespaces of one copy, and the processes in them.
 *
 * A container is born in two steps, because its link is made from outside. container_spawn() clones
 * its first process into its namespaces, where it sets up its files. When its link is there,
 * container_release() tells it so: it sets up its network, drops its privileges and starts the
 * program. Nothing here waits: each answer is an event of a descriptor.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "copy/fs.h"
#include "copy/identity.h"
#include "copy/limits.h"
#include "net/link.h"

/**
 * Descriptors with low numbers, reserved for containers that are being born.
 *
 * A process with thousands of descriptors takes long to clone: the kernel copies each of them, and
 * the child only closes them. So a first process is cloned with our table of descriptors itself
 * (CLONE_FILES). It leaves the table at once, with a copy of the low numbers only (close_range(2),
 * CLOSE_RANGE_UNSHARE). The descriptors that it needs must have low numbers, and must stay there
 * until it has left. We know that it has left when its first message arrives (container_receive()).
 */
struct container_slots {
	int descriptors[64]; /* each: a socket to a container that is being born, or /dev/null */
	bool is_used[64];
	int nothing; /* /dev/null */
	int end;     /* larger than all of them; 0: they are not open */
};

/**
 * container_slots_open() - reserve the slots, while few descriptors are open
 * Return: 0 or -errno, reported.
 */
int container_slots_open(struct container_slots *slots);

/** container_slots_close() - close the slots. Safe to repeat, and on zeros. */
void container_slots_close(struct container_slots *slots);

/**
 * container_slots_are_full() - must the next container wait until one that is being born answers?
 */
bool container_slots_are_full(const struct container_slots *slots);

/**
 * container_slots_keep() - move @fd to a slot, for good
 * Return: the new descriptor; or -errno, and @fd is as before.
 */
int container_slots_keep(struct container_slots *slots, int fd);

/** The container's address in one family, and the way from there. */
struct container_way {
	struct address address, gateway; /* AF_UNSPEC: without this family */
	struct address localhost;        /* clients on localhost come in by this address */
};

struct container_spec {
	unsigned int number; /* 1, 2, ... */
	const char *run;     /* name of the run, for ps(1); NULL: it has none */
	struct container_slots *slots;
	const char *hostname;
	struct fs_spec fs;
	char *const *environment;     /* "NAME=VALUE", up to NULL; NULL: nothing but the caller's */
	char *const *own_environment; /* the same, for this copy alone */
	char *const *argv; /* the program; argv[0] is looked up in PATH unless it has a slash */
	const struct identity *identity;
	const char *link;            /* name of its link inside the container: "eth0" */
	struct mac mac, gateway_mac; /* of that link, and of its gateway */
	struct container_way ipv4, ipv6;
	unsigned int mtu;    /* of the way to all others, in bytes */
	bool is_behind_gate; /* pasta drops what its own socket does not take (rootless/gate.h) */
	const struct limits *limits; /* of the program */
	const char *notify;          /* name of an abstract socket for sd_notify(3); NULL: none */
	int cgroup;                  /* directory of its control group; -1: the manager's */
	int lifeline; /* a slot, which its first process keeps open as long as it lives */
};

struct container {
	pid_t pid;  /* of its first process, as the host numbers it */
	int pidfd;  /* readable when all its processes have ended; -1: none */
	int socket; /* to its first process; readable: call container_receive() */
	int output; /* what the program prints: a pty's master, non-blocking */
	int diag;   /* a sock_diag socket in its network namespace */
	int notify; /* gets what the program sends to the socket of that name; -1: there is none */
	bool has_notify;               /* it will hand over @notify */
	struct container_slots *slots; /* NULL: it does not need @slot any more */
	size_t slot;
};

/** No container. Start with this value: container_close() is then always safe. */
#define CONTAINER_NONE \
	((struct container){.pidfd = -1, .socket = -1, .output = -1, .diag = -1, .notify = -1})

/**
 * container_spawn() - clone a container's first process; it waits for container_release()
 * @spec: the new process reads its own copy of it: the caller may free it after the call
 *
 * All signals must be blocked.
 *
 * Return: 0 or -errno, reported.
 */
int container_spawn(struct container *container, const struct container_spec *spec);

/** container_release() - tell the first process that its link is there. Return: 0 or -errno. */
int container_release(struct container *container);

/**
 * container_receive() - get @container->output, diag and notify: its files are set up
 * Return: 0; -EAGAIN: not yet; -EPIPE: it has given up, and has reported why; or another -errno.
 */
int container_receive(struct container *container);

/** container_signal() - send the program a signal. Return: 0 or -errno. */
int container_signal(const struct container *container, int signal);

/** container_kill() - kill all its processes. Its pidfd becomes readable when they have ended. */
void container_kill(const struct container *container);

/**
 * container_reap() - after @container->pidfd became readable: how did the program end?
 * @ret_status: wait status, as of wait(2)
 *
 * Return: true if the first process has reported @ret_status. False if it ended without a report,
 * because it was killed from outside or failed before the program ran; @ret_status is then its own.
 */
bool container_reap(struct container *container, int *ret_status);

/** container_close() - close all descriptors. Its processes live on. Safe to repeat. */
void container_close(struct container *container);
