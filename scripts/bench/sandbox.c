// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sandbox.c - what the sandbox adds to the start of a copy.
 *
 * usage: sandbox DIRECTORY ROUNDS (at most 1000)
 *
 * DIRECTORY/copies/1/files and DIRECTORY/copies/1/tmp must exist. Starts a process in new
 * namespaces ROUNDS times with and without the mounts, the identity and the filter of a copy;
 * prints the median of each in microseconds, from the clone to the process's end. Compiled with the
 * engine's objects by steps.py.
 */
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "copy/filter.h"
#include "copy/fs.h"
#include "copy/identity.h"
#include "copy/view.h"

enum {
	NAMESPACES = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC,
	ROUNDS_MAX = 1000,
};

struct sandbox {
	struct fs_spec fs;
	struct identity identity;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Return: how long it took, negative if it failed. */
static double start_once(const struct sandbox *sandbox)
{
	double began = now_us();
	unsigned long flags = NAMESPACES & ~(sandbox ? CLONE_NEWNS : 0); /* view_enter() makes it */
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	int status = -1;

	if (pid == 0)
		_exit(sandbox && (fs_setup(&sandbox->fs) < 0 ||
				  identity_assume(&sandbox->identity) < 0 || filter_install() < 0));
	if (pid < 0 || waitpid((pid_t)pid, &status, 0) < 0 || status != 0)
		return -1;
	return now_us() - began;
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static double median_of(const struct sandbox *sandbox, size_t rounds)
{
	static double times[ROUNDS_MAX];

	for (size_t i = 0; i < rounds; i++)
		times[i] = start_once(sandbox);
	qsort(times, rounds, sizeof(*times), compare);
	return times[0] < 0 ? -1 : times[rounds / 2];
}

int main(int argc, char **argv)
{
	char place[PATH_MAX], files[PATH_MAX], tmp[PATH_MAX];
	struct sandbox sandbox = {.fs = {.place = place,
					 .own = files,
					 .workdir = files,
					 .tmp = tmp,
					 .etc = {.resolv_conf = "", .own_hosts = "", .hosts = ""}}};
	char paths[][6] = {"/dev", "/proc", "/sys", "/run"};
	char *hidden[] = {paths[0], paths[1], paths[2], paths[3]};
	struct view_making making;
	size_t rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	double without, with;

	if (!rounds || rounds > ROUNDS_MAX || identity_of_caller(&sandbox.identity) < 0)
		return EXIT_FAILURE;
	sandbox.fs.base = argv[1];
	snprintf(place, sizeof(place), "%s/copies/1", argv[1]);
	snprintf(files, sizeof(files), "%s/copies/1/files", argv[1]);
	snprintf(tmp, sizeof(tmp), "%s/copies/1/tmp", argv[1]);
	sandbox.fs.view = view_begin(&making, hidden, 4) < 0 ? -1 : view_finish(&making);
	if (sandbox.fs.view < 0)
		return EXIT_FAILURE;
	without = median_of(NULL, rounds);
	with = median_of(&sandbox, rounds);
	identity_free(&sandbox.identity);
	if (without < 0 || with < 0)
		return EXIT_FAILURE;
	printf("%.0f %.0f\n", without, with);
	return EXIT_SUCCESS;
}
