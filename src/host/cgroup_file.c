// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup_file.c - reads and writes a file in one call, as the kernel wants it.
 */
#include "host/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int cgroup_file_read(int directory, const char *name, char text[CGROUP_FILE_MAX])
{
	AUTO_CLOSE int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, CGROUP_FILE_MAX - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

int cgroup_file_write(int directory, const char *name, const char *text)
{
	AUTO_CLOSE int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_file_write_number(int directory, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return cgroup_file_write(directory, name, text);
}
