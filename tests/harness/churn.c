// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * churn.c - a front door, for tests, under which copies and mappings come and go while others
 * serve.
 *
 * usage: churn [FIRST_HOST_PORT COPIES TIMES]
 *
 * COPIES (2) copies are served at the host ports from FIRST_HOST_PORT (8081) on. Then, TIMES (2)
 * times: one copy more is started, with two mappings; when it listens, one of them is taken away,
 * it is removed, and the next one is started. When the last of them has gone, it says how to stop.
 * Each listens on port 8080; the second mapping leads to the same port.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "plan.h"
#include "run/run.h"

static const char END[] = "Ctrl-C stops them.";

struct churn {
	uint16_t port; /* the first of two that come and go */
	unsigned int left, coming;
};

/* A copy's first host port, or its second one. */
static struct nat_port churn_port(const struct churn *churn, unsigned int number,
				  unsigned int which)
{
	return (struct nat_port){.protocol = IPPROTO_TCP,
				 .number = (uint16_t)(churn->port + 2 * (number % 2) + which)};
}

static void churn_remove_mapping(const struct churn *churn, struct run *run, unsigned int number,
				 unsigned int which)
{
	const struct nat_port port = churn_port(churn, number, which);

	run_remove_mapping(run, &port);
}

static void churn_remove_mappings(const struct churn *churn, struct run *run, unsigned int number)
{
	churn_remove_mapping(churn, run, number, 0);
	churn_remove_mapping(churn, run, number, 1);
}

static void churn_begin(struct churn *churn, struct run *run)
{
	unsigned int number = run_next_number(run);
	const struct nat_port first = churn_port(churn, number, 0);
	const struct nat_port second = churn_port(churn, number, 1);

	if (churn->left == 0)
		return;
	churn->left--;
	if (run_add_mapping(run, &first, 8080, number) == 0 &&
	    run_add_mapping(run, &second, 8080, number) == 0)
		churn->coming = run_add_copy(run);
	if (churn->coming == number)
		return;
	churn_remove_mappings(churn, run, number); /* it is said what went wrong */
	churn->left = 0;
	run_print(run, END);
}

static void churn_on_change(void *data, struct run *run, unsigned int number, enum life_state state)
{
	struct churn *churn = data;

	if (number == 0) {
		churn_begin(churn, run);
	} else if (number == churn->coming && state == LIFE_READY) {
		churn_remove_mapping(churn, run, number, 0);
		run_remove_copy(run, number);
	} else if (number == churn->coming && state == LIFE_DRAINING) {
		churn_remove_mappings(churn, run, number);
		churn_begin(churn, run);
	} else if (number == churn->coming && state == LIFE_ENDED) {
		churn_remove_mappings(churn, run, number);
		if (churn->left == 0)
			run_print(run, END);
		else /* before it was ready */
			churn_begin(churn, run);
	}
}

int main(int argc, char **argv)
{
	unsigned int first = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 8081;
	unsigned int copies = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 2;
	struct churn churn = {
		.port = (uint16_t)(first + copies),
		.left = argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 10) : 2,
	};
	const struct plan_port port = {
		.protocol = IPPROTO_TCP,
		.copy_port = 8080,
		.first_host_port = (uint16_t)first,
	};
	char directory[PATH_MAX];
	char program[PATH_MAX + sizeof("/http_recorder.py")];
	char places[PATH_MAX + sizeof("/copies")];
	struct plan plan = {
		.table = "uva_container",
		.bridge = "uva",
		.directory = directory,
		.places = places,
		.argv = (char *[]){program, NULL},
		.copies = copies,
		.ports = &port,
		.port_count = 1,
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
	run_observe(run, &(struct run_observer){.on_change = churn_on_change, .data = &churn});
	return run_live(run);
}
