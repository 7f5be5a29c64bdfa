// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netns.c - SO_NETNS_COOKIE, or the number of an inode.
 */
#include "host/netns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

/*
 * The network namespace's number. No other namespace gets the same number until the machine is
 * started again. Return: 0; -ENOPROTOOPT: this kernel has no such number; or another -errno.
 */
static int netns_find_cookie(uint64_t *ret)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*ret);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &length) == 0)
		return 0;
	return errno == EINVAL ? -ENOPROTOOPT : -errno; /* EINVAL: qemu-user */
}

bool netns_is_sure(void)
{
	uint64_t cookie;

	return netns_find_cookie(&cookie) != -ENOPROTOOPT;
}

int netns_format(char prefix[NAME_MAX])
{
	uint64_t cookie = 0;
	struct stat st;
	int err = netns_find_cookie(&cookie);

	if (!err) {
		snprintf(prefix, NAME_MAX, "%" PRIu64 ".", cookie);
		return 0;
	}
	if (err == -ENOPROTOOPT)
		err = stat("/proc/self/ns/net", &st) < 0 ? -errno : 0;
	if (err)
		return error_report(err, "cannot find out the network namespace");
	snprintf(prefix, NAME_MAX, "inode-%ju.", (uintmax_t)st.st_ino);
	return 0;
}
