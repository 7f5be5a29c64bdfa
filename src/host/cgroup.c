// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup.c - groups of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst).
 */
#include "host/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/cgroup_file.h"
#include "host/delegation.h"

static const char MANAGER[] = "manager";
static const char COPY_PREFIX[] = "copy-";
static const char CONTROLLERS_ON[] = "+pids +memory";
static const char CONTROLLERS_ON_CPU[] = "+pids +memory +cpu";

enum {
	CGROUP_PIDS_MAX = 2048,
	CGROUP_PERIOD_US = 100000,       /* the kernel's own */
	CGROUP_LONG_PERIOD_US = 1000000, /* the longest; a quota has 1 ms at least */
	CGROUP_LONG_PER_MILLE = 10,      /* below that the quota needs it */
};

/* Return: the first controller that is missing; NULL: none is. */
static const char *cgroup_find_missing(int directory, const struct cgroup_limits *limits)
{
	if (!delegation_has_controller(directory, "pids"))
		return "pids";
	if (!delegation_has_controller(directory, "memory"))
		return "memory";
	if (limits->cpu_per_mille && !delegation_has_controller(directory, "cpu"))
		return "cpu";
	return NULL;
}

/* Moves every process of the group @from to the group @to. */
static int cgroup_move_all(int directory, const char *from, const char *to)
{
	char text[CGROUP_FILE_MAX];
	char *line, *rest = text;
	int err = cgroup_file_read(directory, from, text);

	if (err)
		return err;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		err = cgroup_file_write(directory, to, line);
		if (err && err != -ESRCH) /* ESRCH: the process has just ended */
			return err;
	}
	return 0;
}

static int cgroup_set_up(int directory, const struct cgroup_limits *limits)
{
	char procs[32];
	int err;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", MANAGER);
	if (mkdirat(directory, MANAGER, 0755) < 0 && errno != EEXIST)
		return -errno;
	err = cgroup_move_all(directory, "cgroup.procs", procs);
	if (err)
		return err;
	return cgroup_file_write(directory, "cgroup.subtree_control",
				 limits->cpu_per_mille ? CONTROLLERS_ON_CPU : CONTROLLERS_ON);
}

static int cgroup_prepare(const struct cgroup *cgroup, struct log *log)
{
	struct record record = {.kind = RECORD_CGROUP};
	int err;

	snprintf(record.path, sizeof(record.path), "%s", cgroup->path);
	err = log_note(log, &record, NULL);
	if (err)
		return err;
	err = cgroup_set_up(cgroup->directory, &cgroup->limits);
	return err ? error_report(err, "cannot set up the control group %s", cgroup->path) : 0;
}

static bool cgroup_is_needed(const struct cgroup_limits *limits)
{
	return limits->memory_max || limits->cpu_per_mille || limits->pids_max;
}

/* Return: 0, and a directory, or -1 if none is needed; or -EOPNOTSUPP, reported. */
static int cgroup_look(const struct cgroup_limits *limits, char path[PATH_MAX], int *ret_directory)
{
	AUTO_CLOSE int directory = delegation_find(path);
	const char *missing = directory >= 0 ? cgroup_find_missing(directory, limits) : NULL;

	*ret_directory = -1;
	if (directory >= 0 && !missing) {
		*ret_directory = fd_steal(&directory);
		return 0;
	}
	if (!cgroup_is_needed(limits))
		return 0;
	if (missing)
		return error_say(-EOPNOTSUPP,
				 "the control group %s has no controller %s (Delegate= in "
				 "systemd.resource-control(5))",
				 path, missing);
	return error_say(-EOPNOTSUPP,
			 "a limit of memory, processors or processes needs a control group that is "
			 "this run's alone: systemd-run %s--scope -p Delegate=yes %s ...",
			 geteuid() == 0 ? "" : "--user ", program_invocation_short_name);
}

int cgroup_check(const struct cgroup_limits *limits)
{
	AUTO_CLOSE int directory = -1;
	char path[PATH_MAX];

	return cgroup_is_needed(limits) ? cgroup_look(limits, path, &directory) : 0;
}

int cgroup_open(struct cgroup *cgroup, const struct cgroup_limits *limits, struct log *log)
{
	int err;

	*cgroup = CGROUP_NONE;
	cgroup->limits = *limits;
	err = cgroup_look(limits, cgroup->path, &cgroup->directory);
	return err || cgroup->directory < 0 ? err : cgroup_prepare(cgroup, log);
}

/* ---- Of each copy ---- */

/* As much swap again as memory, as docker(1) and podman(1) have it. */
static int cgroup_limit_memory(int directory, uint64_t bytes)
{
	int err = cgroup_file_write_number(directory, "memory.max", bytes);

	if (err)
		return err;
	err = cgroup_file_write_number(directory, "memory.swap.max", bytes);
	return err == -ENOENT ? 0 : err; /* this kernel does not count swap */
}

static int cgroup_limit_cpu(int directory, unsigned int per_mille)
{
	uint64_t period_us =
		per_mille < CGROUP_LONG_PER_MILLE ? CGROUP_LONG_PERIOD_US : CGROUP_PERIOD_US;
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, per_mille * period_us / 1000,
		 period_us);
	return cgroup_file_write(directory, "cpu.max", text);
}

static int cgroup_set_limits(int directory, const struct cgroup_limits *limits)
{
	int err = cgroup_file_write_number(directory, "pids.max",
					   limits->pids_max ? limits->pids_max : CGROUP_PIDS_MAX);

	if (!err && limits->memory_max)
		err = cgroup_limit_memory(directory, limits->memory_max);
	if (!err && limits->cpu_per_mille)
		err = cgroup_limit_cpu(directory, limits->cpu_per_mille);
	return err ? err : cgroup_file_write(directory, "memory.oom.group", "1");
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
	err = cgroup_set_limits(fd, &cgroup->limits);
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
	char procs[32];
	int err;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", MANAGER);
	err = cgroup_move_all(directory, procs, "cgroup.procs");
	if (err)
		return err == -ENOENT ? 0 : err;
	return unlinkat(directory, MANAGER, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* There were none, as long as processes were in the group itself. */
static int cgroup_disable_controllers(int directory)
{
	char text[CGROUP_FILE_MAX], command[64];
	char *word, *rest = text;
	int err = cgroup_file_read(directory, "cgroup.subtree_control", text);

	while (!err && (word = strsep(&rest, " \n"))) {
		snprintf(command, sizeof(command), "-%s", word);
		err = *word ? cgroup_file_write(directory, "cgroup.subtree_control", command) : 0;
	}
	return err;
}

static int cgroup_put_back(int directory)
{
	int err = cgroup_remove_copies(directory);

	if (!err)
		err = cgroup_disable_controllers(directory);
	return err ? err : cgroup_move_back(directory);
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
