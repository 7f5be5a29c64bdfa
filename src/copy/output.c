// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * output.c - lines, prefixes, and a buffer before a slow reader.
 */
#include "copy/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_FIRST_COLOUR = 31, OUTPUT_COLOURS = 6, OUTPUT_PREFIX_MAX = 48 };

void output_open(struct output *output, int fd)
{
	const char *no_colour = getenv("NO_COLOR"); /* no-color.org */
	char path[32];
	struct stat st;
	int reopened = -1;

	*output = (struct output){.fd = fd};
	output->colour = isatty(fd) && (!no_colour || !*no_colour);
	if (fstat(fd, &st) < 0)
		return;
	output->socket = S_ISSOCK(st.st_mode);
	/* Opened once more, a pipe or a terminal has file status flags of its own. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		reopened = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (reopened >= 0) {
		output->fd = reopened;
		output->owned = true;
	}
}

void output_close(struct output *output)
{
	if (output->owned)
		close(output->fd);
	output->owned = false;
	free(output->pending);
	output->pending = NULL;
	output->length = output->size = 0;
}

static void output_add(struct output *output, const char *data, size_t length)
{
	if (output->err || !length)
		return;
	if (output->size - output->length < length) {
		size_t size = 2 * (output->length + length);
		char *grown = realloc(output->pending, size);

		if (!grown) /* better to lose a line than to end a run */
			return;
		output->pending = grown;
		output->size = size;
	}
	memcpy(output->pending + output->length, data, length);
	output->length += length;
}

void output_print(struct output *output, const char *fmt, ...)
{
	char text[OUTPUT_LINE_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		output_add(output, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	output_add(output, "\n", 1);
}

static void output_send_line(struct output *output, unsigned int number, struct output_line *line)
{
	char prefix[OUTPUT_PREFIX_MAX];
	int n;

	if (output->colour)
		n = snprintf(prefix, sizeof(prefix), "\033[%umcopy %u |\033[0m ",
			     OUTPUT_FIRST_COLOUR + number % OUTPUT_COLOURS, number);
	else
		n = snprintf(prefix, sizeof(prefix), "copy %u | ", number);
	output_add(output, prefix, (size_t)n);
	output_add(output, line->text, line->length);
	output_add(output, "\n", 1);
	line->length = 0;
}

void output_feed(struct output *output, unsigned int number, struct output_line *line,
		 const char *data, size_t length)
{
	while (length > 0) {
		const char *newline = memchr(data, '\n', length);
		size_t part = newline ? (size_t)(newline - data) : length;
		size_t room = sizeof(line->text) - line->length;
		bool full = part > room;

		part = full ? room : part;
		memcpy(line->text + line->length, data, part);
		line->length += part;
		if (newline && !full)
			part++;
		if (newline || full)
			output_send_line(output, number, line);
		data += part;
		length -= part;
	}
}

void output_finish(struct output *output, unsigned int number, struct output_line *line)
{
	if (line->length > 0)
		output_send_line(output, number, line);
}

int output_flush(struct output *output)
{
	size_t sent = 0;

	while (sent < output->length && !output->err) {
		const char *data = output->pending + sent;
		size_t length = output->length - sent;
		ssize_t n = output->socket
				    ? send(output->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
				    : write(output->fd, data, length);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			output->err = -errno;
	}
	if (sent)
		memmove(output->pending, output->pending + sent, output->length - sent);
	output->length -= sent;
	return output->err;
}

bool output_is_clear(const struct output *output)
{
	return output->length == 0 || output->err;
}
