/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execute.h - the last steps of a process that becomes a program in a copy: what the program finds
 * around it, whether it is the copy's own (child.c) or one that comes later (attendant.c).
 */
#pragma once

#include <sys/types.h>

#include "copy/identity.h"
#include "copy/limits.h"

struct execute_spec {
	unsigned int number;             /* of the copy, for messages */
	const struct identity *identity; /* whose HOME, USER and LOGNAME it gets */
	char *const *environment;        /* "NAME=VALUE", up to NULL; NULL: only the caller's */
	char *const *own_environment;    /* the same; it comes after @environment */
	const char *variable;            /* one more; NULL: none */
	const char *workdir;             /* where it starts */
	const struct limits *limits;
	char *const *argv; /* argv[0] is looked up in PATH unless it has a slash */
};

/**
 * execute_keep() - replace the texts of @spec, but for argv, by copies, which are never freed
 *
 * They may be arguments of this process, which title_set() overwrites. Return: 0 or -errno,
 * reported.
 */
int execute_keep(struct execute_spec *spec);

/** The exit statuses of sh(1), for what could not be executed. */
enum {
	EXECUTE_CANNOT = 126,
	EXECUTE_NOT_FOUND = 127,
};

/**
 * execute_program() - become the program
 * @stdio: its standard input, output and error; -1: the copy's /dev/null; none of 0, 1 and 2
 * @terminal: the one of them that becomes its controlling terminal; -1: none does
 * @mask: its umask
 *
 * The process has its identity already, and is in the copy. Signals get their default actions. It
 * gets a session of its own.
 *
 * Return: only on failure, the exit status, reported on the standard error that the process had.
 */
int execute_program(const struct execute_spec *spec, const int stdio[3], int terminal, mode_t mask);

/**
 * execute_start() - start the program in a child process, which does as execute_program() says
 *
 * As with posix_spawn(3), the child uses the memory of this process until it executes the program,
 * and this process waits until then. After fork(2), each page that one of them writes to would be
 * copied, for nothing. The environment of this process becomes the program's, too.
 *
 * All signals must be blocked.
 *
 * Return: its pid; or -errno, reported. What fails in the child, it reports by its exit status.
 */
pid_t execute_start(const struct execute_spec *spec, const int stdio[3], int terminal, mode_t mask);
