/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.h - one running instance of the program, in namespaces of its own.
 *
 * A copy is born in two steps, because its link is made from outside: copy_spawn() clones it into
 * its namespaces, where it sets up its files; copy_release() tells it that its link is there, upon
 * which it sets up its network, drops its privileges and starts the program.
 */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "copy/filter.h"
#include "copy/fs.h"
#include "copy/identity.h"
#include "net/address.h"

struct copy_spec {
	unsigned int number; /* 1, 2, ... */
	const char *hostname;
	struct fs_spec fs;
	char *const *argv; /* the program; argv[0] is looked up in PATH unless it has a slash */
	const struct identity *identity;
	const struct filter *filter;
	const char *link;                  /* name of its link, inside: "eth0" */
	struct address address, gateway;   /* of that link, with its prefix */
	struct address address6, gateway6; /* AF_UNSPEC: without IPv6 */
	struct rlimit files;               /* RLIMIT_NOFILE of the program */
	int cgroup;   /* directory of the control group it is born into; -1: the manager's */
	int lifeline; /* kept open by its first process as long as that lives */
};

struct copy {
	pid_t pid;  /* of its first process, in the host's numbers */
	int pidfd;  /* readable when all of the copy has ended; -1: there is no such copy */
	int socket; /* to its first process; the program's wait status comes over it */
	int output; /* what the program prints (a pty's master, non-blocking) */
	int diag;   /* a sock_diag socket in its network namespace */
};

/** There is no copy: for copy_close() to be right from the beginning. */
#define COPY_NONE ((struct copy){.pidfd = -1, .socket = -1, .output = -1, .diag = -1})

/**
 * copy_spawn() - clone a copy into its namespaces; it waits for copy_release()
 * @spec: read by the new process in its own copy of our memory: may be gone after the call
 *
 * All signals must be blocked. Return: 0 or a negative errno, which is reported.
 */
int copy_spawn(struct copy *copy, const struct copy_spec *spec);

/** copy_release() - its link is there: let it go on. Return: 0, or a negative errno, unreported. */
int copy_release(struct copy *copy);

/**
 * copy_receive() - wait until it is set up, and get its @copy->output and @copy->diag
 * Return: 0, or a negative errno, unreported. -EPIPE: it gave up, and has reported why.
 */
int copy_receive(struct copy *copy);

/** copy_signal() - send the program a signal. Return: 0 or a negative errno, not reported. */
int copy_signal(const struct copy *copy, int signal);

/** copy_kill() - end all of the copy's processes at once. They still must be waited for. */
void copy_kill(const struct copy *copy);

/**
 * copy_reap() - after @copy->pidfd became readable: how did the program end?
 * @ret_status: wait status, as of wait(2)
 *
 * Return: true, or false where its first process ended without a report (killed from outside, or
 * it failed before the program ran); then @ret_status is that process's own.
 */
bool copy_reap(struct copy *copy, int *ret_status);

/** copy_close() - close what is open. Does not end the copy. Safe to repeat. */
void copy_close(struct copy *copy);
