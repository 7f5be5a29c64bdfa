// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * etc.c - files in the private /run, mounted over those of the host.
 */
#include "copy/etc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/mount.h"

static const char RUN[] = "/run/";

static int etc_failed(int err, const char *action, const char *path)
{
	return error_report(err, "cannot %s %s", action, path);
}

void etc_find(struct etc_paths *paths)
{
	if (!realpath("/etc/resolv.conf", paths->resolv_conf))
		paths->resolv_conf[0] = '\0';
	if (!realpath("/etc/hosts", paths->hosts))
		paths->hosts[0] = '\0';
}

static int etc_write_all(int fd, const char *text)
{
	size_t rest = strlen(text);

	while (rest > 0) {
		ssize_t n = write(fd, text, rest);

		if (n < 0)
			return -errno;
		text += n;
		rest -= (size_t)n;
	}
	return 0;
}

/* A file with both texts, one after the other. */
static int etc_write(const char *path, const char *first, const char *second)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int err = fd < 0 ? -errno : etc_write_all(fd, first);

	if (!err)
		err = etc_write_all(fd, second);
	return err ? etc_failed(err, "write", path) : 0;
}

static int etc_mount(const char *path, const char *target)
{
	AUTO_CLOSE int file = mount_clone(AT_FDCWD, path, false);
	int err;

	if (file < 0)
		return etc_failed(file, "take", path);
	err = mount_restrict(file, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (!err)
		err = mount_attach(file, target);
	return err ? etc_failed(err, "mount", target) : 0;
}

/*
 * If the host's file is a link to @target in /run (systemd-resolved), the copy's is written right
 * there. Otherwise it is written @elsewhere, and mounted over the host's.
 */
static int etc_put(const char *target, const char *elsewhere, const char *first, const char *second)
{
	bool is_in_run = strncmp(target, RUN, strlen(RUN)) == 0;
	const char *path = is_in_run ? target : elsewhere;
	char parent[PATH_MAX];
	int err;

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	err = directory_make_way(parent);
	if (err)
		return etc_failed(err, "make", parent);
	err = etc_write(path, first, second);
	return err || is_in_run ? err : etc_mount(path, target);
}

int etc_setup(const struct etc_paths *paths, const struct etc_spec *spec)
{
	int err = 0;

	if (paths->resolv_conf[0])
		err = etc_put(paths->resolv_conf, "/run/resolv.conf", spec->resolv_conf, "");
	if (!err && paths->hosts[0] && spec->hosts)
		err = etc_put(paths->hosts, "/run/hosts", spec->own_hosts, spec->hosts);
	return err;
}
