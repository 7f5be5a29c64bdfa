// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_process.c - pidfds, the end of a child, and descriptors. What would change the test program
 * itself happens in a child, whose exit status says what was wrong there; 0 is well.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "unit.h"

enum { FD_END = 40, WATCHDOG_TICKS = 400, WATCHDOG_STATUS = 99 };

/* ---- process_keep_fds() ---- */

static bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Opens all from 3 on, closes all but @keep, and looks. To be called in a child. */
static int keep_check(int *keep, size_t count)
{
	int wanted[FD_END] = {1, 1, 1};

	for (int fd = 3; fd < FD_END; fd++)
		dup2(STDERR_FILENO, fd);
	for (size_t i = 0; i < count; i++)
		if (keep[i] >= 0 && keep[i] < FD_END)
			wanted[keep[i]] = 1;
	process_keep_fds(keep, count);
	for (int fd = 0; fd < FD_END; fd++)
		if (fd_is_open(fd) != wanted[fd])
			return fd + 1;
	for (size_t i = 1; i < count; i++)
		if (keep[i - 1] > keep[i])
			return FD_END + 1;
	return 0;
}

static int keep_none(void)
{
	return keep_check((int[]){7}, 0);
}

static int keep_unsorted(void)
{
	return keep_check((int[]){30, 5, 17, 6}, 4);
}

static int keep_first_and_last(void)
{
	return keep_check((int[]){FD_END - 1, 3}, 2);
}

static int keep_one_twice(void)
{
	return keep_check((int[]){8, 12, 8, 12, 8}, 5);
}

static int keep_some_below_3(void)
{
	return keep_check((int[]){9, -1, 1, 2, 0}, 5);
}

static int keep_only_below_3(void)
{
	return keep_check((int[]){2}, 1);
}

static int keep_one_that_is_closed(void)
{
	return keep_check((int[]){FD_END + 100, 4}, 2);
}

static int (*const KEEP_CASES[])(void) = {
	keep_none,         keep_unsorted,     keep_first_and_last,     keep_one_twice,
	keep_some_below_3, keep_only_below_3, keep_one_that_is_closed,
};

TEST(exactly_these_descriptors_are_kept)
{
	for (size_t i = 0; i < COUNT(KEEP_CASES); i++)
		if (child_run(KEEP_CASES[i]) != 0)
			fail_msg("case %zu of %zu", i + 1, COUNT(KEEP_CASES));
}

static bool is_close_range_refused; /* as in a container whose engine does not know it */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	if (number == SYS_close_range && is_close_range_refused) {
		errno = EPERM;
		return -1;
	}
	va_start(list, number);
	for (size_t i = 0; i < COUNT(arguments); i++) /* as many as any call has */
		arguments[i] = va_arg(list, long);
	va_end(list);
	return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
			      arguments[4], arguments[5]);
}

static int keep_where_close_range_is_refused(void)
{
	is_close_range_refused = true; /* in this child only */
	for (size_t i = 0; i < COUNT(KEEP_CASES); i++)
		if (KEEP_CASES[i]() != 0)
			return (int)i + 1;
	return 0;
}

TEST(they_are_also_kept_where_close_range_is_refused)
{
	assert_int_equal(child_run(keep_where_close_range_is_refused), 0);
}

/* ---- process_ensure_stdio() ---- */

/* Closes those of 0, 1, 2 whose bit is set in @closed. To be called in a child. */
static int stdio_check(unsigned int closed)
{
	int file = memfd_create("stdio", 0);
	struct stat before, after;
	size_t open_before;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(file, fd);
	open_before = fds_count();
	if (fstat(file, &before) < 0)
		return 1;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (closed & 1U << fd)
			close(fd);
	process_ensure_stdio();
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fstat(fd, &after) < 0)
			return 2;
		if ((before.st_ino == after.st_ino) == (closed >> fd & 1))
			return 3; /* what was open stays, what was closed is something harmless */
	}
	return fds_count() == open_before ? 0 : 4;
}

static int stdio_all_cases(void)
{
	int status = 0;

	for (unsigned int closed = 0; status == 0 && closed < 8; closed++)
		status = stdio_check(closed);
	return status;
}

TEST(what_is_closed_of_0_1_2_is_opened_and_nothing_else)
{
	assert_int_equal(child_run(stdio_all_cases), 0);
}

/* ---- process_open(), process_signal(), process_wait() ---- */

/* A child that ends by @signal, or exits with @status where that is 0. Return: its pidfd. */
static int child_ending(int status, int signal)
{
	pid_t pid = fork();
	int pidfd;

	if (pid == 0) {
		const struct rlimit no_core = {0};

		setrlimit(RLIMIT_CORE, &no_core);
		if (signal) {
			struct sigaction action = {.sa_handler = SIG_DFL};

			sigaction(signal, &action, NULL); /* a sanitizer may have its own */
			raise(signal);
		}
		_exit(status);
	}
	assert_true(pid > 0);
	pidfd = process_open(pid);
	assert_true(pidfd >= 0);
	return pidfd;
}

/* A child that lives until it is killed. Return: its pidfd. */
static int child_living(void)
{
	pid_t pid = fork();
	int pidfd;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	pidfd = process_open(pid);
	assert_true(pidfd >= 0);
	return pidfd;
}

TEST(wait_tells_the_exit_status)
{
	static const int statuses[] = {0, 1, 77, 255};

	for (size_t i = 0; i < COUNT(statuses); i++) {
		int pidfd = child_ending(statuses[i], 0), status = -1;

		assert_int_equal(process_wait(pidfd, -1, &status), 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), statuses[i]);
		close(pidfd);
	}
}

TEST(wait_tells_the_signal)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGUSR1, SIGSEGV};

	for (size_t i = 0; i < COUNT(signals); i++) {
		int pidfd = child_ending(0, signals[i]), status = -1;

		assert_int_equal(process_wait(pidfd, -1, &status), 0);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		close(pidfd);
	}
}

TEST(an_end_is_told_by_status_or_signal)
{
	const struct {
		int status;
		const char *how;
	} ends[] = {{W_EXITCODE(3, 0), "exited with status 3"},
		    {W_EXITCODE(0, SIGKILL), "ended by SIGKILL"},
		    {W_EXITCODE(0, 64), "ended by signal 64"}}; /* a real-time one has no name */

	for (size_t i = 0; i < COUNT(ends); i++) {
		char how[64];

		process_format_end(ends[i].status, how, sizeof(how));
		assert_string_equal(how, ends[i].how);
	}
}

TEST(wait_may_be_uninterested_in_the_status)
{
	int pidfd = child_ending(3, 0);

	assert_int_equal(process_wait(pidfd, -1, NULL), 0);
	close(pidfd);
}

TEST(wait_ends_after_its_time_and_the_child_can_be_waited_for_again)
{
	int pidfd = child_living(), status = 12345;

	assert_int_equal(process_wait(pidfd, 0, &status), -ETIMEDOUT);
	assert_int_equal(process_wait(pidfd, 20, &status), -ETIMEDOUT);
	assert_int_equal(status, 12345);
	assert_int_equal(process_signal(pidfd, 0), 0);
	assert_int_equal(process_signal(pidfd, SIGKILL), 0);
	assert_int_equal(process_wait(pidfd, -1, &status), 0);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	close(pidfd);
}

TEST(a_child_is_reaped_once)
{
	int pidfd = child_ending(0, 0);

	assert_int_equal(process_wait(pidfd, -1, NULL), 0);
	assert_int_equal(process_wait(pidfd, -1, NULL), -ECHILD);
	assert_int_equal(process_signal(pidfd, SIGTERM), -ESRCH);
	close(pidfd);
}

static void watchdog_tick(int signal)
{
	static volatile sig_atomic_t ticks;

	(void)signal;
	if (++ticks == WATCHDOG_TICKS)
		_exit(WATCHDOG_STATUS);
}

/* Waits 100 ms for a child while a signal comes every 5 ms, for 2 s at most. */
static int wait_among_signals(void)
{
	const struct sigaction action = {.sa_handler = watchdog_tick};
	const struct itimerval every = {{.tv_usec = 5000}, {.tv_usec = 5000}};
	pid_t pid = fork();
	int pidfd, err;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	pidfd = process_open(pid);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	err = process_wait(pidfd, 100, NULL);
	process_signal(pidfd, SIGKILL);
	return err == -ETIMEDOUT ? 0 : 1;
}

TEST(signals_do_not_prolong_the_wait)
{
	assert_int_equal(child_run(wait_among_signals), 0);
}

TEST(what_is_no_process_is_an_error)
{
	int file = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(process_open(-1), -EINVAL);
	assert_int_equal(process_open(INT32_MAX), -ESRCH); /* above the kernel's PID_MAX_LIMIT */
	assert_int_equal(process_signal(file, SIGTERM), -EBADF);
	assert_int_equal(process_signal(-1, SIGTERM), -EBADF);
	assert_true(process_wait(file, 0, NULL) < 0);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_these_descriptors_are_kept),
		cmocka_unit_test(they_are_also_kept_where_close_range_is_refused),
		cmocka_unit_test(what_is_closed_of_0_1_2_is_opened_and_nothing_else),
		cmocka_unit_test(wait_tells_the_exit_status),
		cmocka_unit_test(wait_tells_the_signal),
		cmocka_unit_test(an_end_is_told_by_status_or_signal),
		cmocka_unit_test(wait_may_be_uninterested_in_the_status),
		cmocka_unit_test(wait_ends_after_its_time_and_the_child_can_be_waited_for_again),
		cmocka_unit_test(a_child_is_reaped_once),
		cmocka_unit_test(signals_do_not_prolong_the_wait),
		cmocka_unit_test(what_is_no_process_is_an_error),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
