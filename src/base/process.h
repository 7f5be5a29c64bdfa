/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process.h - what the kernel offers for processes and glibc, in older releases, does not wrap.
 */
#pragma once

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/** process_open() - a pidfd for @pid (Linux 5.3). Return: a descriptor or a negative errno. */
int process_open(pid_t pid);

/** process_signal() - send @signal through a pidfd. Return: 0 or a negative errno. */
int process_signal(int pidfd, int signal);

/**
 * process_wait() - reap the child behind a pidfd
 * @ret_status: as of wait(2); may be NULL
 * @timeout_ms: how long to wait for its end; -1 for ever
 *
 * Return: 0, -ETIMEDOUT, or another negative errno.
 */
int process_wait(int pidfd, int timeout_ms, int *ret_status);

/** process_await() - wait for the end of any process. Return: 0, -ETIMEDOUT, or another -errno. */
int process_await(int pidfd, int timeout_ms);

/**
 * process_keep_fds() - close every descriptor from 3 on but these
 * @keep: @count of them, in any order; those below 3 are none of its business. Sorted by this call.
 */
void process_keep_fds(int *keep, size_t count);

/**
 * process_raise_file_limit() - allow this process at least @needed descriptors
 * @ret_before: the limit as it was, for children; also on failure
 *
 * Return: 0 or a negative errno, not reported.
 */
int process_raise_file_limit(unsigned int needed, struct rlimit *ret_before);

/** process_ensure_stdio() - open what is closed of 0, 1 and 2, lest a socket of ours land there. */
void process_ensure_stdio(void);
