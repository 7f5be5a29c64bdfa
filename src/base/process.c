// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process.c - pidfds, close_range(), and memory that is given back.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3 /* glibc before 2.36 */
#endif

/* Far less than the kernel keeps free below every stack (MIN_GAP, mm/util.c: 128 MiB). */
enum { PROCESS_STACK = 256 << 10 };

int process_open(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : (int)fd;
}

int process_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

static int process_status(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return W_EXITCODE(info->si_status & 0xff, 0);
	case CLD_DUMPED:
		return W_EXITCODE(0, info->si_status | WCOREFLAG);
	default:
		return W_EXITCODE(0, info->si_status);
	}
}

/* Waits until @fd is readable. Signals do not make the wait longer. Return: as poll(2). */
static int process_poll(int fd, int timeout_ms)
{
	struct pollfd ended = {.fd = fd, .events = POLLIN};
	struct timespec began, now;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (int rest_ms = timeout_ms;;) {
		n = poll(&ended, 1, rest_ms);
		if (n >= 0 || errno != EINTR)
			return n;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (timeout_ms >= 0)
			rest_ms = timeout_ms - (int)((now.tv_sec - began.tv_sec) * 1000 +
						     (now.tv_nsec - began.tv_nsec) / 1000000);
		if (timeout_ms >= 0 && rest_ms < 0)
			rest_ms = 0;
	}
}

int process_await(int pidfd, int timeout_ms)
{
	int n = process_poll(pidfd, timeout_ms);

	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

int process_wait(int pidfd, int timeout_ms, int *ret_status)
{
	siginfo_t info;
	int err = process_await(pidfd, timeout_ms);
	int n;

	if (err)
		return err;
	do
		n = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (ret_status)
		*ret_status = process_status(&info);
	return 0;
}

void process_format_end(int status, char *how, size_t size)
{
	const char *abbreviation = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	if (abbreviation)
		snprintf(how, size, "ended by SIG%s", abbreviation);
	else if (WIFSIGNALED(status)) /* a real-time signal has no name */
		snprintf(how, size, "ended by signal %d", WTERMSIG(status));
	else
		snprintf(how, size, "exited with status %d", WEXITSTATUS(status));
}

void process_trim_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *frame = __builtin_frame_address(0);
	char *end = frame - (uintptr_t)frame % page - page;

	malloc_trim(0);
	/* Where nothing is mapped, it goes on: man 2 madvise, ENOMEM. */
	madvise(end - PROCESS_STACK, PROCESS_STACK, MADV_DONTNEED);
}

static int process_compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * Closes all from @first on that are smaller than @end. In a container, the engine's filter of
 * system calls may be older than close_range(2), and refuse it: then this closes them one by one.
 */
static void process_close_range(int first, int end)
{
	long limit;

	if (syscall(SYS_close_range, first, end - 1, 0) == 0)
		return;
	limit = sysconf(_SC_OPEN_MAX);
	for (int fd = first; fd < end && fd < limit; fd++)
		close(fd);
}

void process_keep_fds(int *keep, size_t count)
{
	int from = STDERR_FILENO + 1;

	qsort(keep, count, sizeof(*keep), process_compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] > from)
			process_close_range(from, keep[i]);
		if (keep[i] >= from)
			from = keep[i] + 1;
	}
	process_close_range(from, INT_MAX);
}

int process_raise_file_limit(unsigned int needed, struct rlimit *ret_before)
{
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, ret_before) < 0)
		return -errno;
	raised = *ret_before;
	if (raised.rlim_cur < needed)
		raised.rlim_cur = needed;
	if (raised.rlim_max < raised.rlim_cur)
		raised.rlim_max = raised.rlim_cur;
	return setrlimit(RLIMIT_NOFILE, &raised) < 0 ? -errno : 0;
}

void process_ensure_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}
