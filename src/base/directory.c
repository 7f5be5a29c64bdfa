// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * directory.c - making, opening and removing directories, never through a link.
 */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

int directory_open(int base, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do /* EAGAIN: a part of the path was renamed meanwhile, man 2 openat2 */
		fd = syscall(SYS_openat2, base, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

int directory_make(int base, const char *name, bool *ret_made)
{
	bool made = mkdirat(base, name, 0755) == 0;
	AUTO_CLOSE int fd = -1;

	if (!made && errno != EEXIST)
		return -errno;
	fd = directory_open(base, name);
	if (fd < 0)
		return fd;
	if (ret_made)
		*ret_made = made;
	return fd_steal(&fd);
}

int directory_make_way(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		/* EROFS: a part that is there, on a file system that is read-only */
		if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EROFS)
			return -errno;
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int directory_remove(const char *path)
{
	char parent_path[PATH_MAX], name_path[PATH_MAX];
	AUTO_CLOSE int parent = -1;
	const char *name;
	int err = 0;

	snprintf(parent_path, sizeof(parent_path), "%s", path);
	snprintf(name_path, sizeof(name_path), "%s", path);
	name = basename(name_path);
	parent = directory_open(AT_FDCWD, dirname(parent_path));
	if (parent < 0)
		err = parent;
	else if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		err = -errno;
	if (!err || err == -ENOENT || err == -ENOTEMPTY || err == -EBUSY || err == -ENOTDIR ||
	    err == -ELOOP)
		return 0;
	return error_report(err, "cannot remove the directory %s", path);
}
