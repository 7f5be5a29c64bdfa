/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdpass.h - a small message, with descriptors or without, over a Unix socket (SCM_RIGHTS, man 7
 * unix).
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum { FDPASS_MAX = 8 };

/**
 * fdpass_send() - send @length bytes and copies of @count descriptors (at most FDPASS_MAX)
 * Return: 0; -EAGAIN: the receiver has to read first; or another -errno.
 */
int fdpass_send(int socket, const void *data, size_t length, const int *fds, size_t count);

/**
 * fdpass_receive() - receive a message of exactly @length bytes and @count descriptors
 * @ret_fds: the descriptors, close-on-exec, owned by the caller; all -1 on failure
 *
 * Return: 0; -EAGAIN: there is none yet; -EPIPE: the other end is closed; -EBADMSG: another number
 * of bytes or descriptors, where the bytes are there all the same; or another -errno.
 */
int fdpass_receive(int socket, void *data, size_t length, int *ret_fds, size_t count);

/**
 * fdpass_take() - wait for some bytes of a stream, or for a message, and take the descriptors that
 * come with them
 * @ret_fds: room for FDPASS_MAX; close-on-exec, owned by the caller
 *
 * Return: how many bytes, @size at most; 0: the other end is closed; or -errno.
 */
ssize_t fdpass_take(int socket, void *data, size_t size, int *ret_fds, size_t *ret_count);

/** fdpass_tell() - send a message without descriptors. Return: as fdpass_send(). */
int fdpass_tell(int socket, const void *data, size_t length);

/** fdpass_hear() - receive a message without descriptors. Return: as fdpass_receive(). */
int fdpass_hear(int socket, void *data, size_t length);
