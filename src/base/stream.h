/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - text on its way to a descriptor whose reader may be slow, stuck or gone.
 *
 * Nothing here blocks. What the reader does not take now waits in memory, up to a limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct stream {
	int fd;
	bool is_owned;  /* opened by us, to be closed */
	bool is_socket; /* takes send(2) */
	bool is_device; /* a terminal, say, that could not be opened once more */
	char *pending;  /* what the reader has not taken yet; owned */
	size_t length, size;
	size_t limit; /* bytes that may wait; what would not fit is lost as a whole */
	int err;      /* why writing has failed for good; 0: it has not */
};

/**
 * stream_open() - use a descriptor without ever blocking on it
 * @fd:    such as STDOUT_FILENO; stays the caller's. Its file status flags are left alone, since
 *         other processes share them.
 * @limit: bytes that may wait; SIZE_MAX: the caller looks at stream_is_clear() before it adds more
 */
void stream_open(struct stream *stream, int fd, size_t limit);

/** stream_close() - free the memory; what is pending is lost. Safe to repeat. */
void stream_close(struct stream *stream);

/** stream_add() - add bytes. They are written by stream_flush(). Return: whether they were kept. */
bool stream_add(struct stream *stream, const char *data, size_t length);

/** stream_flush() - write as much as the reader takes now. Return: 0, or why it failed for good. */
int stream_flush(struct stream *stream);

/** stream_is_clear() - has the reader taken everything, or is it gone? */
bool stream_is_clear(const struct stream *stream);
