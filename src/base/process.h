/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process.h - system calls for processes; older releases of glibc do not wrap all of them.
 */
#pragma once

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/** process_open() - a pidfd for @pid (Linux 5.3). Return: a descriptor or -errno. */
int process_open(pid_t pid);

/** process_signal() - send @signal through a pidfd. Return: 0 or -errno. */
int process_signal(int pidfd, int signal);

/**
 * process_wait() - reap the child behind a pidfd
 * @ret_status: wait status, as from wait(2); may be NULL
 * @timeout_ms: how long to wait for its end; -1 for ever
 *
 * Return: 0 or -errno (-ETIMEDOUT: the child has not ended).
 */
int process_wait(int pidfd, int timeout_ms, int *ret_status);

/**
 * process_await() - wait for the end of a process, without reaping it
 *
 * It need not be a child. Return: 0 or -errno (-ETIMEDOUT: the process has not ended).
 */
int process_await(int pidfd, int timeout_ms);

/** process_format_end() - write what a wait status tells: "ended by SIGKILL", "exited with status
 * 3" */
void process_format_end(int status, char *how, size_t size);

/** process_trim_memory() - give back what free() and deeper calls than this one have left. */
void process_trim_memory(void);

/**
 * process_keep_fds() - close every descriptor from 3 on, except those in @keep
 * @keep: @count descriptors, in any order; this call sorts them. It ignores those below 3.
 */
void process_keep_fds(int *keep, size_t count);

/**
 * process_raise_file_limit() - allow this process at least @needed descriptors
 * @ret_before: the limit before this call, for children; set on failure too
 *
 * Return: 0 or -errno.
 */
int process_raise_file_limit(unsigned int needed, struct rlimit *ret_before);

/**
 * process_ensure_stdio() - open /dev/null in place of each of 0, 1 and 2 that is closed
 *
 * Otherwise one of our sockets could get that number, and would be taken for stdin or stdout.
 */
void process_ensure_stdio(void);
