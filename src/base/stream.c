// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream.c - writes that do not block, and a buffer for what the reader has not taken.
 */
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void stream_open(struct stream *stream, int fd, size_t limit)
{
	char path[32];
	struct stat st;
	int reopened = -1;

	*stream = (struct stream){.fd = fd, .limit = limit};
	if (fstat(fd, &st) < 0)
		return;
	stream->is_socket = S_ISSOCK(st.st_mode);
	/*
	 * Open a pipe or a terminal once more: the new open file has file status flags of its own,
	 * so that O_NONBLOCK concerns no other process.
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		reopened = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (reopened >= 0) {
		stream->fd = reopened;
		stream->is_owned = true;
	} else {
		stream->is_device = S_ISCHR(st.st_mode);
	}
}

void stream_close(struct stream *stream)
{
	if (stream->is_owned)
		close(stream->fd);
	stream->is_owned = false;
	free(stream->pending);
	stream->pending = NULL;
	stream->length = stream->size = 0;
}

bool stream_add(struct stream *stream, const char *data, size_t length)
{
	if (stream->err || length > stream->limit - stream->length)
		return false;
	if (stream->size - stream->length < length) {
		size_t size = 2 * (stream->length + length);
		char *grown = realloc(stream->pending, size);

		if (!grown) /* losing a line is better than ending the run */
			return false;
		stream->pending = grown;
		stream->size = size;
	}
	if (length)
		memcpy(stream->pending + stream->length, data, length);
	stream->length += length;
	return true;
}

/*
 * How many bytes write(2) takes for sure without blocking. If poll(2) says that a pipe is writable,
 * the pipe takes PIPE_BUF bytes (man 7 pipe). A terminal takes a single byte.
 */
static size_t stream_room(const struct stream *stream)
{
	struct pollfd writable = {.fd = stream->fd, .events = POLLOUT};

	if (stream->is_owned || stream->is_socket || stream->fd < 0)
		return SIZE_MAX;
	if (poll(&writable, 1, 0) == 0)
		return 0;
	return stream->is_device ? 1 : PIPE_BUF;
}

static ssize_t stream_write(const struct stream *stream, const char *data, size_t length)
{
	size_t room = stream_room(stream);

	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (stream->is_socket)
		return send(stream->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(stream->fd, data, length < room ? length : room);
}

int stream_flush(struct stream *stream)
{
	size_t sent = 0;

	while (sent < stream->length && !stream->err) {
		ssize_t n = stream_write(stream, stream->pending + sent, stream->length - sent);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			stream->err = -errno;
	}
	if (sent)
		memmove(stream->pending, stream->pending + sent, stream->length - sent);
	stream->length -= sent;
	return stream->err;
}

bool stream_is_clear(const struct stream *stream)
{
	return stream->length == 0 || stream->err;
}
