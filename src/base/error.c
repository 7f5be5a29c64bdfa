// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * error.c - the one place that writes to stderr.
 */
#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ERROR_LINE_MAX = 4096, ERROR_WAIT_MS = 1000 };

/* A line may hold a path or an option, which may hold anything: keep the terminal out of it. */
static void error_escape_controls(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
}

__attribute__((format(printf, 3, 0))) static size_t error_append(char *line, size_t length,
								 const char *fmt, va_list args)
{
	int n = vsnprintf(line + length, ERROR_LINE_MAX - length, fmt, args);

	if (n < 0)
		return length;
	length += (size_t)n;
	return length < ERROR_LINE_MAX ? length : ERROR_LINE_MAX - 1;
}

int error_report(int err, const char *fmt, ...)
{
	char line[ERROR_LINE_MAX + 1];
	struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};
	int saved_errno = errno;
	size_t length = 0;
	va_list args;

	length = (size_t)snprintf(line, ERROR_LINE_MAX, "%s: ", program_invocation_short_name);
	va_start(args, fmt);
	length = error_append(line, length, fmt, args);
	va_end(args);
	if (err) {
		int n = snprintf(line + length, ERROR_LINE_MAX - length, ": %s", strerror(-err));

		length += (size_t)n < ERROR_LINE_MAX - length ? (size_t)n
							      : ERROR_LINE_MAX - 1 - length;
	}
	error_escape_controls(line, length);
	line[length++] = '\n';

	while (poll(&writable, 1, ERROR_WAIT_MS) < 0 && errno == EINTR)
		;
	if (writable.revents & POLLOUT)
		while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
			;
	errno = saved_errno;
	return err;
}
