// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * steps.c - a front door, for tests, that changes a run while it lives: a step at each SIGUSR1.
 *
 * usage: steps [CHANGE... [/ CHANGE...]...]
 *
 *	+HOST_PORT=COPY    lead a UDP port of the host to that copy
 *	-HOST_PORT         give it up
 *	-COPY              remove that copy (1, 2)
 *
 * Two copies listen on port 5000 of UDP and TCP, to which the host ports from 5000 on lead. A step
 * is all changes up to a slash.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "plan.h"
#include "run/run.h"

enum { STEPS_PORT = 5000, STEPS_COPIES = 2 };

static void steps_change(struct run *run, const char *change)
{
	const char *copy = strchr(change, '=');
	unsigned int number = (unsigned int)strtoul(change + 1, NULL, 10);
	const struct nat_port port = {.protocol = IPPROTO_UDP, .number = (uint16_t)number};

	if (copy)
		run_add_mapping(run, &port, STEPS_PORT, (unsigned int)strtoul(copy + 1, NULL, 10));
	else if (number > STEPS_COPIES)
		run_remove_mapping(run, &port);
	else
		run_remove_copy(run, number);
}

static void steps_on_query(void *data, struct run *run)
{
	char ***next = data;

	while (**next && strcmp(**next, "/") != 0)
		steps_change(run, *(*next)++);
	if (**next)
		(*next)++;
}

int main(int argc, char **argv)
{
	static const struct plan_port ports[] = {
		{.protocol = IPPROTO_UDP, .copy_port = STEPS_PORT, .first_host_port = STEPS_PORT},
		{.protocol = IPPROTO_TCP, .copy_port = STEPS_PORT, .first_host_port = STEPS_PORT},
	};
	char **next = argv + (argc > 0);
	char directory[PATH_MAX];
	char program[PATH_MAX + sizeof("/http_recorder.py")];
	char places[PATH_MAX + sizeof("/copies")];
	struct plan plan = {
		.table = "uva_container",
		.bridge = "uva",
		.directory = directory,
		.places = places,
		.argv = (char *[]){program, NULL},
		.copies = STEPS_COPIES,
		.ports = ports,
		.port_count = 2,
		.ready_end = "Ctrl-C stops them.",
	};
	struct run *run;

	if (!getcwd(directory, sizeof(directory))) {
		error_report(-errno, "cannot tell the current directory");
		return EXIT_FAILURE;
	}
	snprintf(program, sizeof(program), "%s/http_recorder.py", directory);
	snprintf(places, sizeof(places), "%s/copies", directory);
	run = run_new(&plan);
	if (!run)
		return EXIT_FAILURE;
	run_observe(run, &(struct run_observer){.on_query = steps_on_query, .data = &next});
	return run_live(run);
}
