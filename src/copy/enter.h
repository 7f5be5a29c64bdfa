/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enter.h - one more program in a copy that runs, beside its own: a visit.
 *
 * Nobody enters the copy. Its own first process is asked, by the socket that it shares with the
 * manager, and makes the program as it has made the first one: its namespaces, user, limits, filter
 * and control group are there already, and it has no privileges that anybody could take from it.
 * setns(2) would need CAP_SYS_PTRACE besides, as that process cannot be traced.
 *
 * For each visit it forks an attendant, and goes on. The attendant starts the program, passes
 * signals on, and reports the end.
 */
#pragma once

#include <sys/ioctl.h>

#include "copy/execute.h"

/** A program, as the manager wants it. */
struct visit {
	char *const *argv;    /* argv[0] is looked up in the copy's PATH */
	const char *variable; /* "NAME=VALUE" beside the copy's own ones; NULL: none */
	/*
	 * What becomes standard input, output and error; -1: the copy's /dev/null. What goes wrong
	 * before the program runs is told on the last one. They must be pipes: any other file of
	 * the host would be in the hands of the copy.
	 */
	int stdio[3];
	/*
	 * The size of a terminal, which becomes standard input, output and error instead, in the
	 * copy's own /dev/pts; NULL: none.
	 */
	const struct winsize *terminal;
	/*
	 * A socket (SOCK_SEQPACKET), to the one who uses the program; -1: none. It sends the
	 * terminal's other end: one byte, one descriptor. What it gets are signals for the program,
	 * an int for each. When nobody has its other end any more, the program is hung up:
	 * its process group gets SIGHUP, and ENTER_GRACE_MS later SIGKILL.
	 */
	int door;
};

enum {
	ENTER_GRACE_MS = 5000,
	ENTER_TEXTS_MAX = 96 << 10, /* bytes of all texts of a visit, each with its NUL */
	ENTER_SIGNALLED = 128,      /* added to a signal's number: an exit status of sh(1) */
};

/* ---- In the manager ---- */

/**
 * enter_ask() - ask a copy's first process for a visit. Does not wait for anything
 * @socket: to that process, whose files are set up
 *
 * The descriptors of @visit stay the caller's.
 *
 * Return: a socket, owned by the caller, which becomes readable when the visit is over: see
 * enter_finish(). If it is closed before, the program is hung up. Or -EAGAIN: the process has much
 * to do; -E2BIG; or another -errno.
 */
int enter_ask(int socket, const struct visit *visit);

/** enter_end() - kill the program and its process group. @report becomes readable soon after. */
void enter_end(int report);

/**
 * enter_finish() - after the socket became readable: how did the program end?
 * @report: from enter_ask(); closed
 *
 * Return: an exit status as of sh(1): the program's, ENTER_SIGNALLED and the number of the signal
 * that has ended it (SIGKILL, if the copy has ended), EXECUTE_CANNOT, EXECUTE_NOT_FOUND; or -errno:
 * the copy could not make a process.
 */
int enter_finish(int *report);

/* ---- In the copy's first process ---- */

/** What a visitor finds: the same as the program. */
struct enter_host {
	const struct execute_spec *program; /* but for its argv */
	mode_t mask;                        /* umask */
};

/** enter_serve() - take a request from the socket, if there is one, and fork its attendant. */
void enter_serve(const struct enter_host *host, int socket);
