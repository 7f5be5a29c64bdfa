/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - writes to a descriptor whose reader may be slow, stuck or gone.
 *
 * Nothing here blocks. What the reader does not take now waits in memory, up to a limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct stream {
	int fd;
	bool is_owned;  /* we have opened @fd, and close it */
	bool is_socket; /* written by send(2) */
	bool is_device; /* a character device that could not be opened once more */
	char *pending;  /* what the reader has not taken yet; owned */
	size_t length, size;
	size_t limit; /* bytes that may wait; what does not fit as a whole is lost */
	int err;      /* the -errno after which nothing can be written any more; 0: none */
};

/**
 * stream_open() - write to a descriptor without ever blocking on it
 * @fd:    such as STDOUT_FILENO; stays the caller's. Its file status flags do not change, because
 *         other processes share them.
 * @limit: bytes that may wait; SIZE_MAX: the caller checks stream_is_clear() before it adds more
 */
void stream_open(struct stream *stream, int fd, size_t limit);

/** stream_close() - free the memory; what is pending is lost. Safe to repeat. */
void stream_close(struct stream *stream);

/** stream_add() - add bytes, for stream_flush() to write. Return: false if they are lost. */
bool stream_add(struct stream *stream, const char *data, size_t length);

/**
 * stream_flush() - write as much as the reader takes now.
 * Return: 0 or -errno: nothing can be written any more.
 */
int stream_flush(struct stream *stream);

/** stream_is_clear() - has the reader taken everything, or can nothing be written any more? */
bool stream_is_clear(const struct stream *stream);
