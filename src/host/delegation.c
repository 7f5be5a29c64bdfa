// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * delegation.c - reads /proc and the files of our control group.
 */
#include "host/delegation.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/cgroup_file.h"
#include "host/mountinfo.h"

/* Between a process of ours and the manager: pasta, the process that holds it. */
enum { DELEGATION_ANCESTORS_MAX = 8 };

static bool delegation_parse_mount(const char *line, char mount[PATH_MAX])
{
	struct mountinfo_entry entry;

	if (!strstr(line, " - cgroup2 ") || mountinfo_parse(line, &entry) < 0)
		return false;
	snprintf(mount, PATH_MAX, "%s", entry.path);
	free(entry.key);
	free(entry.path);
	return true;
}

static bool delegation_find_mount(char mount[PATH_MAX])
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0)
		found = delegation_parse_mount(line, mount);
	if (file)
		fclose(file);
	return found;
}

/* The control group of this process: the line "0::/path" of /proc/self/cgroup. */
static bool delegation_find_path(char path[PATH_MAX])
{
	char mount[PATH_MAX], text[CGROUP_FILE_MAX];
	char *line, *rest = text;

	if (cgroup_file_read(AT_FDCWD, "/proc/self/cgroup", text) < 0 ||
	    !delegation_find_mount(mount))
		return false;
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, "0::", 3) == 0)
			return snprintf(path, PATH_MAX, "%s%s", mount, line + 3) < PATH_MAX;
	return false;
}

/* systemd marks a control group that it delegates: "Delegation" in its CGROUP_DELEGATION.md. */
static bool delegation_is_delegated(const char *path)
{
	char mark = '0';

	return (getxattr(path, "trusted.delegate", &mark, 1) == 1 ||
		getxattr(path, "user.delegate", &mark, 1) == 1) &&
	       mark == '1';
}

static pid_t delegation_parent(pid_t pid)
{
	char path[32], text[CGROUP_FILE_MAX];
	const char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (cgroup_file_read(AT_FDCWD, path, text) < 0)
		return 0;
	after = strrchr(text, ')'); /* of the name, in which anything can be */
	return after && strlen(after) > 4 ? (pid_t)strtol(after + 4, NULL, 10) : 0;
}

/* Without root, pasta and the process that holds it are there, too (rootless/gate.h). */
static bool delegation_is_descendant(pid_t pid)
{
	for (int i = 0; i < DELEGATION_ANCESTORS_MAX && pid > 0; i++, pid = delegation_parent(pid))
		if (pid == getpid())
			return true;
	return false;
}

static bool delegation_is_ours_alone(int directory)
{
	char text[CGROUP_FILE_MAX];
	char *line, *rest = text;

	if (cgroup_file_read(directory, "cgroup.procs", text) < 0)
		return false;
	while ((line = strsep(&rest, "\n")))
		if (*line && !delegation_is_descendant((pid_t)strtol(line, NULL, 10)))
			return false;
	return true;
}

bool delegation_has_controller(int directory, const char *name)
{
	char text[CGROUP_FILE_MAX];
	char *word, *rest = text;

	if (cgroup_file_read(directory, "cgroup.controllers", text) < 0)
		return false;
	while ((word = strsep(&rest, " \n")))
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

int delegation_find(char path[PATH_MAX])
{
	AUTO_CLOSE int directory = -1;

	if (!delegation_find_path(path) || !delegation_is_delegated(path))
		return -1;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory >= 0 && delegation_is_ours_alone(directory) ? fd_steal(&directory) : -1;
}
