// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup.c - files of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst).
 */
#include "host/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/mountinfo.h"

static const char MANAGER[] = "manager";
static const char COPY_PREFIX[] = "copy-";
static const char CONTROLLERS_ON[] = "+pids +memory";
static const char CONTROLLERS_OFF[] = "-pids -memory";
static const char PIDS_MAX[] = "2048";

enum { CGROUP_TEXT_MAX = 4096 };

static int cgroup_read(int directory, const char *name, char text[CGROUP_TEXT_MAX])
{
	AUTO_CLOSE int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, CGROUP_TEXT_MAX - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

static int cgroup_write(int directory, const char *name, const char *text)
{
	AUTO_CLOSE int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static bool cgroup_parse_mount(const char *line, char mount[PATH_MAX])
{
	struct mountinfo_entry entry;

	if (!strstr(line, " - cgroup2 ") || mountinfo_parse(line, &entry) < 0)
		return false;
	snprintf(mount, PATH_MAX, "%s", entry.path);
	free(entry.key);
	free(entry.path);
	return true;
}

static bool cgroup_find_mount(char mount[PATH_MAX])
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0)
		found = cgroup_parse_mount(line, mount);
	if (file)
		fclose(file);
	return found;
}

/* The control group of this process: the line "0::/path" of /proc/self/cgroup. */
static bool cgroup_find_path(char path[PATH_MAX])
{
	char mount[PATH_MAX], text[CGROUP_TEXT_MAX];
	char *line, *rest = text;

	if (cgroup_read(AT_FDCWD, "/proc/self/cgroup", text) < 0 || !cgroup_find_mount(mount))
		return false;
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, "0::", 3) == 0)
			return snprintf(path, PATH_MAX, "%s%s", mount, line + 3) < PATH_MAX;
	return false;
}

/* systemd marks a control group that it delegates: "Delegation" in its CGROUP_DELEGATION.md. */
static bool cgroup_is_delegated(const char *path)
{
	char mark = '0';

	return (getxattr(path, "trusted.delegate", &mark, 1) == 1 ||
		getxattr(path, "user.delegate", &mark, 1) == 1) &&
	       mark == '1';
}

static bool cgroup_is_ours_alone(int directory, pid_t guardian)
{
	char text[CGROUP_TEXT_MAX];
	char *line, *rest = text;

	if (cgroup_read(directory, "cgroup.procs", text) < 0)
		return false;
	while ((line = strsep(&rest, "\n"))) {
		long pid = strtol(line, NULL, 10);

		if (*line && pid != getpid() && pid != guardian)
			return false;
	}
	return true;
}

static bool cgroup_has_controllers(int directory)
{
	char text[CGROUP_TEXT_MAX];

	return cgroup_read(directory, "cgroup.controllers", text) == 0 && strstr(text, "pids") &&
	       strstr(text, "memory");
}

static int cgroup_move(int directory, const char *procs, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cgroup_write(directory, procs, text);
}

static int cgroup_set_up(int directory, pid_t guardian)
{
	char procs[32];
	int err;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", MANAGER);
	if (mkdirat(directory, MANAGER, 0755) < 0 && errno != EEXIST)
		return -errno;
	err = cgroup_move(directory, procs, getpid());
	if (err)
		return err;
	err = cgroup_move(directory, procs, guardian);
	if (err)
		return err;
	return cgroup_write(directory, "cgroup.subtree_control", CONTROLLERS_ON);
}

static int cgroup_prepare(const struct cgroup *cgroup, struct log *log, pid_t guardian)
{
	struct record record = {.kind = RECORD_CGROUP};
	int err;

	snprintf(record.path, sizeof(record.path), "%s", cgroup->path);
	err = log_note(log, &record, NULL);
	if (err)
		return err;
	err = cgroup_set_up(cgroup->directory, guardian);
	return err ? error_report(err, "cannot set up the control group %s", cgroup->path) : 0;
}

int cgroup_open(struct cgroup *cgroup, struct log *log, pid_t guardian)
{
	*cgroup = CGROUP_NONE;
	if (!cgroup_find_path(cgroup->path) || !cgroup_is_delegated(cgroup->path))
		return 0;
	cgroup->directory = open(cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->directory < 0 || !cgroup_has_controllers(cgroup->directory) ||
	    !cgroup_is_ours_alone(cgroup->directory, guardian)) {
		fd_close(&cgroup->directory);
		return 0;
	}
	return cgroup_prepare(cgroup, log, guardian);
}

static int cgroup_set_limits(int directory)
{
	int err = cgroup_write(directory, "pids.max", PIDS_MAX);

	if (err)
		return err;
	return cgroup_write(directory, "memory.oom.group", "1");
}

int cgroup_make(const struct cgroup *cgroup, unsigned int number, int *ret_fd)
{
	AUTO_CLOSE int fd = -1;
	char name[32];
	int err;

	*ret_fd = -1;
	if (cgroup->directory < 0)
		return 0;
	snprintf(name, sizeof(name), "%s%u", COPY_PREFIX, number);
	if (mkdirat(cgroup->directory, name, 0755) < 0 && errno != EEXIST)
		return error_report(-errno, "copy %u: cannot make its control group", number);
	fd = openat(cgroup->directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_report(-errno, "copy %u: cannot open its control group", number);
	err = cgroup_set_limits(fd);
	if (err)
		return error_report(err, "copy %u: cannot set the limits of its control group",
				    number);
	*ret_fd = fd_steal(&fd);
	return 0;
}

void cgroup_drop(const struct cgroup *cgroup, unsigned int number)
{
	char name[32];

	if (cgroup->directory < 0)
		return;
	snprintf(name, sizeof(name), "%s%u", COPY_PREFIX, number);
	if (unlinkat(cgroup->directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		error_report(-errno, "copy %u: cannot remove its control group", number);
}

void cgroup_close(struct cgroup *cgroup)
{
	fd_close(&cgroup->directory);
}

static int cgroup_remove_copies(int directory)
{
	int list = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list < 0 ? NULL : fdopendir(list);
	struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		fd_close(&list);
		return err;
	}
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, COPY_PREFIX, strlen(COPY_PREFIX)) == 0 &&
		    unlinkat(directory, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			err = -errno;
	closedir(dir);
	return err;
}

/* Moves all processes that are left of a run, also the caller, back to their first group. */
static int cgroup_move_back(int directory)
{
	char path[32], text[CGROUP_TEXT_MAX];
	char *line, *rest = text;
	int err;

	snprintf(path, sizeof(path), "%s/cgroup.procs", MANAGER);
	err = cgroup_read(directory, path, text);
	if (err)
		return err == -ENOENT ? 0 : err;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		err = cgroup_write(directory, "cgroup.procs", line);
		if (err && err != -ESRCH) /* ESRCH: the process has just ended */
			return err;
	}
	return unlinkat(directory, MANAGER, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int cgroup_put_back(int directory)
{
	int err = cgroup_remove_copies(directory);

	if (err)
		return err;
	err = cgroup_write(directory, "cgroup.subtree_control", CONTROLLERS_OFF);
	if (err)
		return err;
	return cgroup_move_back(directory);
}

int cgroup_undo(const char *path)
{
	AUTO_CLOSE int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (directory < 0 && errno == ENOENT)
		return 0; /* the whole group is gone */
	err = directory < 0 ? -errno : cgroup_put_back(directory);
	return err ? error_report(err, "cannot restore the control group %s", path) : 0;
}
