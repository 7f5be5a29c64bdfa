// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_error.c - what reaches stderr. Its lines are written in a child, whose stderr is a pipe.
 */
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "unit.h"

enum { LINES_MAX = 1024, STUCK_SECONDS = 10 };

/* Makes a pipe, and runs @body in a child with its end as stderr. Return: the end to read. */
static int stderr_of(int (*body)(void))
{
	int ends[2];
	int before = dup(STDERR_FILENO);

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	assert_int_equal(child_run(body), 0);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	return ends[0];
}

static void assert_written(int (*body)(void), const char *expected)
{
	char lines[LINES_MAX] = "";
	int end = stderr_of(body);

	assert_true(read(end, lines, sizeof(lines) - 1) >= 0);
	close(end);
	assert_non_null(strstr(lines, expected));
}

static int report(void)
{
	return error_report(-ENOENT, "cannot open '%s'", "a\033b") == -ENOENT ? 0 : 1;
}

TEST(a_line_says_what_and_why)
{
	assert_written(report, ": cannot open 'a?b': No such file or directory\n");
}

/* poll(2): EINVAL, if it is given more descriptors than RLIMIT_NOFILE. */
static int say_without_poll(void)
{
	const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_NOFILE, &none) < 0 ? 1 : error_say(0, "and yet said");
}

TEST(a_line_is_written_where_poll_fails)
{
	assert_written(say_without_poll, ": and yet said\n");
}

/* Nobody reads: it must come back all the same. */
static int say_to_full_pipe(void)
{
	static const char filling[4096];

	alarm(STUCK_SECONDS);
	if (fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK) < 0)
		return 1;
	while (write(STDERR_FILENO, filling, sizeof(filling)) > 0)
		;
	if (fcntl(STDERR_FILENO, F_SETFL, 0) < 0)
		return 1;
	for (int i = 0; i < 2 * STUCK_SECONDS; i++) /* it waits for the first one only */
		error_say(0, "lost");
	return 0;
}

TEST(a_full_pipe_is_waited_for_once)
{
	close(stderr_of(say_to_full_pipe));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_and_why),
		cmocka_unit_test(a_line_is_written_where_poll_fails),
		cmocka_unit_test(a_full_pipe_is_waited_for_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
