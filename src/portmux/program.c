// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * program.c - a command with a slash is a path, from where the copies work; any other one is looked
 * up in PATH, as the copies will have it.
 */
#include "portmux/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "copy/view.h"

/* Where execvp(3) looks if there is no PATH. */
static const char DEFAULT_PATH[] = "/bin:/usr/bin";

static const char *program_search_path(const struct plan *plan)
{
	const char *path = getenv("PATH");

	for (char *const *variable = plan->environment; variable && *variable; variable++)
		if (strncmp(*variable, "PATH=", strlen("PATH=")) == 0)
			path = *variable + strlen("PATH=");
	return path ? path : DEFAULT_PATH;
}

/* Return: 0, or why it cannot be executed. */
static int program_look(const struct plan *plan, const char *directory, size_t length,
			const char *name)
{
	const char *base = plan->workdir ? plan->workdir : plan->directory;
	char path[2 * PATH_MAX];
	struct stat st;

	if (length > 0 && directory[0] == '/')
		snprintf(path, sizeof(path), "%.*s/%s", (int)length, directory, name);
	else
		snprintf(path, sizeof(path), "%s/%.*s/%s", base, (int)length, directory, name);
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

static int program_search(const struct plan *plan)
{
	const char *path = program_search_path(plan);
	int first_err = -ENOENT;

	for (;;) {
		size_t length = strcspn(path, ":");
		int err = program_look(plan, path, length, plan->argv[0]);

		if (!err)
			return 0;
		first_err = err == -EACCES ? err : first_err;
		if (!path[length])
			break;
		path += length + 1;
	}
	if (first_err == -EACCES)
		return error_say(first_err, "%s: what there is in PATH is not executable",
				 plan->argv[0]);
	return error_say(first_err, "%s: no such command in PATH", plan->argv[0]);
}

int program_resolve(const struct plan *plan, char **program)
{
	char *resolved;

	if (plan->files != PLAN_PRIVATE || **program == '/' || !strchr(*program, '/'))
		return 0;
	if (asprintf(&resolved, "%s/%s", plan->directory, *program) < 0)
		return error_report(-ENOMEM, "%s", *program);
	free(*program);
	*program = resolved;
	if (strlen(resolved) >= PATH_MAX)
		return error_report(-ENAMETOOLONG, "%s", resolved);
	return 0;
}

int program_check(const struct plan *plan)
{
	const char *program = plan->argv[0];
	int err;

	if (!strchr(program, '/'))
		return program_search(plan);
	if (*program == '/' && view_hides(program) && !plan_is_below(program, plan->directory))
		return error_say(-EINVAL,
				 "%s: no copy sees it there, where each has its own files: "
				 "use another directory",
				 program);
	err = program[0] == '/' ? program_look(plan, "/", 1, program + 1)
				: program_look(plan, "", 0, program);
	if (err == -EISDIR)
		return error_say(err, "%s is a directory, not a program", program);
	if (err == -EACCES)
		return error_say(err, "%s is not executable (chmod +x)", program);
	return err ? error_report(err, "%s", program) : 0;
}

int program_check_workdir(const struct plan *plan)
{
	const char *path = plan->workdir;
	struct stat st;

	if (!path || plan_is_below(path, plan->directory) || view_hides(path))
		return 0;
	if (stat(path, &st) < 0)
		return error_report(-errno, "--workdir %s", path);
	return S_ISDIR(st.st_mode) ? 0 : error_report(-ENOTDIR, "--workdir %s", path);
}
