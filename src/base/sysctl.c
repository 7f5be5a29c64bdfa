// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sysctl.c - files below /proc/sys.
 */
#include "base/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static int sysctl_open(const char *path, int flags)
{
	char full[PATH_MAX];
	int fd;

	if (snprintf(full, sizeof(full), "/proc/sys/%s", path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	do
		fd = open(full, flags | O_CLOEXEC | O_NOFOLLOW);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *path, char *value)
{
	AUTO_CLOSE int fd = sysctl_open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = read(fd, value, SYSCTL_VALUE_MAX - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int sysctl_write(const char *path, const char *value)
{
	AUTO_CLOSE int fd = sysctl_open(path, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = write(fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sysctl_write_link(const char *family, const char *link, const char *name, const char *value)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family, link, name);
	err = sysctl_write(path, value);
	if (!err || (err == -ENOENT && strcmp(family, "ipv6") == 0))
		return 0;
	return error_report(err, "cannot write %s to /proc/sys/%s", value, path);
}
