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

#include "base/visible.h"

enum { ERROR_LINE_MAX = 4096, ERROR_WAIT_MS = 1000 };

/* If this is set, it gets the lines of this process, and stderr does not. */
static void (*error_sink)(void *data, const char *line, size_t length);
static void *error_sink_data;

void error_redirect(void (*sink)(void *data, const char *line, size_t length), void *data)
{
	error_sink = sink;
	error_sink_data = data;
}

/*
 * A line may contain a path, an option or the name of somebody's process, with any bytes in it:
 * control characters must not reach the terminal. Our own lines have no colours.
 */
static void error_escape_controls(char *line, size_t length)
{
	while (length > 0) {
		struct visible_piece piece = visible_next(line, length);

		for (size_t i = 0; i < piece.length; i++)
			if (piece.kind != VISIBLE_PLAIN || line[i] == '\t')
				line[i] = '?';
		line += piece.length;
		length -= piece.length;
	}
}

/* Appends to a line of ERROR_LINE_MAX bytes. Return: its new length. */
__attribute__((format(printf, 3, 0))) static size_t error_append(char *line, size_t length,
								 const char *fmt, va_list args)
{
	int n = vsnprintf(line + length, ERROR_LINE_MAX - length, fmt, args);

	if (n < 0)
		return length;
	length += (size_t)n;
	return length < ERROR_LINE_MAX ? length : ERROR_LINE_MAX - 1;
}

__attribute__((format(printf, 3, 4))) static size_t error_add(char *line, size_t length,
							      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	length = error_append(line, length, fmt, args);
	va_end(args);
	return length;
}

/*
 * If the reader of stderr is stuck, waits for it, but only once in the life of this process. After
 * that, a line that the reader does not take at once is lost.
 */
static void error_write(const char *line, size_t length)
{
	static int wait_ms = ERROR_WAIT_MS;
	struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};
	int n;

	do
		n = poll(&writable, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	/* If poll() fails, nobody knows whether there is room. A lost line is worse than a wait. */
	if (n == 0 || (n > 0 && !(writable.revents & POLLOUT))) {
		wait_ms = 0;
		return;
	}
	while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
		;
}

__attribute__((format(printf, 2, 0))) static void error_line(const char *reason, const char *fmt,
							     va_list args)
{
	char line[ERROR_LINE_MAX + 1];
	int saved_errno = errno;
	size_t length = error_add(line, 0, "%s: ", program_invocation_short_name);

	length = error_append(line, length, fmt, args);
	if (reason)
		length = error_add(line, length, ": %s", reason);
	error_escape_controls(line, length);
	line[length++] = '\n';
	if (error_sink)
		error_sink(error_sink_data, line, length);
	else
		error_write(line, length);
	errno = saved_errno;
}

int error_report(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_line(strerror(-err), fmt, args);
	va_end(args);
	return err;
}

int error_say(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	error_line(NULL, fmt, args);
	va_end(args);
	return err;
}
