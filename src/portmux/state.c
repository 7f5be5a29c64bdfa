// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * state.c - finds the directory, and makes it.
 */
#include "portmux/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"

/* The home directory of the caller, as a shell of theirs has it. */
static const char *state_home(const struct identity *caller)
{
	const char *home = getenv("HOME");
	const struct passwd *entry;

	if (caller->home) /* sudo's caller: HOME is root's, or may be */
		return caller->home;
	if (home && *home == '/')
		return home;
	entry = getpwuid(caller->uid);
	return entry ? entry->pw_dir : NULL;
}

/* Return: 0 or -ENAMETOOLONG. */
static int state_join(char *path, const char *above, const char *below)
{
	int n = snprintf(path, PATH_MAX, "%s%s%s", strcmp(above, "/") == 0 ? "" : above,
			 *below == '/' ? "" : "/", below);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int state_default(const struct options *options, const struct identity *caller, char *path)
{
	const char *base = getenv("XDG_STATE_HOME"); /* man 7 file-hierarchy */
	char below[64 + OPTIONS_NAME_MAX];

	if (base && *base == '/') {
		snprintf(below, sizeof(below), "portmux/%s", options->name);
		return state_join(path, base, below);
	}
	base = state_home(caller);
	if (!base || access(base, F_OK) < 0)
		return -ENOENT;
	snprintf(below, sizeof(below), ".local/state/portmux/%s", options->name);
	return state_join(path, base, below);
}

static int state_absolute(const char *given, char *path)
{
	char directory[PATH_MAX];

	if (*given == '/')
		return state_join(path, "/", given);
	if (!getcwd(directory, sizeof(directory)))
		return -errno;
	return state_join(path, directory, given);
}

/* Resolves as much of the path as there is. */
static int state_resolve(char *path)
{
	char whole[PATH_MAX], found[PATH_MAX];
	size_t end = strlen(path);

	while (end > 1 && path[end - 1] == '/')
		path[--end] = '\0';
	memcpy(whole, path, end + 1);
	while (!realpath(path, found)) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT)
			return -errno;
		slash[slash == path] = '\0'; /* / itself is there */
	}
	end = strlen(path);
	if (!whole[end]) {
		memcpy(path, found, strlen(found) + 1);
		return 0;
	}
	if (strstr(whole + end, "/../") || strstr(whole + end, "/./"))
		return -ENOENT; /* of what is not there, nobody can say where it leads */
	return state_join(path, found, whole + end);
}

int state_find(const struct options *options, const struct identity *caller, char *path)
{
	int err = options->state ? state_absolute(options->state, path)
				 : state_default(options, caller, path);
	struct stat st;

	if (err == -ENOENT)
		return error_say(err, "user %u has no home directory: name a directory (--state)",
				 caller->uid);
	if (!err)
		err = state_resolve(path);
	if (!err && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	return err ? error_report(err, "%s: cannot be used (--state)",
				  options->state ? options->state : path)
		   : 0;
}

/* Those that overlayfs knows how to refuse: itself, and those without what it needs. */
static bool state_can_be_upper(const char *path)
{
	struct statfs system;

	if (statfs(path, &system) < 0)
		return true; /* whoever uses it will say why not */
	return system.f_type != OVERLAYFS_SUPER_MAGIC && system.f_type != NFS_SUPER_MAGIC &&
	       system.f_type != MSDOS_SUPER_MAGIC;
}

int state_check(const struct plan *plan)
{
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", plan->places);
	while (access(path, F_OK) < 0 && errno == ENOENT && (slash = strrchr(path, '/')))
		slash[slash == path] = '\0';
	if (plan->files != PLAN_OVERLAY || state_can_be_upper(path))
		return 0;
	return error_say(-EINVAL,
			 "%s: its file system cannot hold an overlay's upper layer: use another "
			 "directory (--state), or --files shared",
			 plan->places);
}

/* As mkdir -p does. */
static int state_make_way(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int state_make(const char *path, const struct identity *caller)
{
	int borrowed = identity_borrow(caller);
	int err, back_err;

	if (borrowed < 0)
		return borrowed;
	err = state_make_way(path);
	back_err = identity_give_back(borrowed);
	if (back_err)
		return back_err;
	return err ? error_report(err, "%s: cannot make the directory (--state)", path) : 0;
}

int state_take(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_report(-errno, "%s: cannot open the directory (--state)", path);
	/* Not every file system can lock a directory. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return fd;
	close(fd);
	return error_say(-EBUSY,
			 "%s: another run keeps its files there: use another directory (--state)",
			 path);
}
