/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visit.h - one more program in a copy that runs: somebody's command, a health check.
 */
#pragma once

#include "copy/enter.h"

struct copy;
struct run;

/**
 * visit_begin() - start a program in a copy. Does not wait for anything
 *
 * The program gets what the copy's own program has got: user, environment, working directory,
 * limits. The descriptors of @visit stay the caller's. Its pipes are given to the copy's user, who
 * may open them once more (/dev/stdout): they must have been made for this.
 *
 * Return: a socket, as enter_ask(), for enter_finish(); -ESRCH: the copy does not run, or is not
 * set up yet; or another -errno.
 */
int visit_begin(const struct copy *copy, const struct visit *visit);

/**
 * run_visit_copy() - the same, for a front door: in copy @number
 * Return: as visit_begin(); -ENOENT: there is no such copy.
 */
int run_visit_copy(const struct run *run, unsigned int number, const struct visit *visit);
