// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fdpass.c - sendmsg() and recvmsg() with their control messages.
 */
#include "base/fdpass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fdpass_control {
	char space[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
	struct cmsghdr align;
};

int fdpass_send(int socket, const void *data, size_t length, const int *fds, size_t count)
{
	union fdpass_control control = {0};
	struct iovec part = {.iov_base = (void *)data, .iov_len = length};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t n;

	if (count > FDPASS_MAX || !header)
		return -EINVAL;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int fdpass_receive(int socket, void *data, size_t length, int *ret_fds, size_t count)
{
	union fdpass_control control = {0};
	struct iovec part = {.iov_base = data, .iov_len = length};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header;
	ssize_t n;

	memset(ret_fds, -1, sizeof(int) * count);
	/* ECONNRESET: the other end was closed before it had read all that we sent. That is told
	 * once, and before what it has sent itself: that still comes. */
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	if (!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && (size_t)n == length &&
	    header->cmsg_len == CMSG_LEN(sizeof(int) * count)) {
		memcpy(ret_fds, CMSG_DATA(header), sizeof(int) * count);
		return 0;
	}
	for (size_t at = 0; at + sizeof(int) <= header->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
		close(fd);
	}
	return -EBADMSG;
}

ssize_t fdpass_take(int socket, void *data, size_t size, int *ret_fds, size_t *ret_count)
{
	union fdpass_control control = {0};
	struct iovec part = {.iov_base = data, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	const struct cmsghdr *header;
	ssize_t n;

	*ret_count = 0;
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS) {
		/* The kernel closes those that are more than there is room for. */
		*ret_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret_fds, CMSG_DATA(header), *ret_count * sizeof(int));
	}
	return n < 0 ? -errno : n;
}

int fdpass_tell(int socket, const void *data, size_t length)
{
	while (send(socket, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int fdpass_hear(int socket, void *data, size_t length)
{
	ssize_t n;

	do
		n = recv(socket, data, length, MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET)); /* as above */
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	return (size_t)n == length ? 0 : -EBADMSG;
}
