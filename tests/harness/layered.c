// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * layered.c - a front door, for tests, that asks for what portmux asks for: an overlay for each
 * copy, a second mapping at one address, a name, an environment, limits.
 *
 * Two copies are served at the host ports 8081 and 8082, as uva_container does, and at 9091 and
 * 9092 of 127.0.0.1. Their files are kept beside the current directory: DIRECTORY-state.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "plan.h"
#include "run/run.h"

int main(void)
{
	static const struct plan_rlimit limits[] = {
		{.resource = RLIMIT_NOFILE, .soft = 64, .hard = 128},
	};
	const struct plan_port ports[] = {
		{.protocol = IPPROTO_TCP, .copy_port = 8080, .first_host_port = 8081},
		{.protocol = IPPROTO_TCP,
		 .copy_port = 8080,
		 .first_host_port = 9091,
		 .address = {.family = AF_INET, .prefix = 32, .bytes = {127, 0, 0, 1}}},
	};
	char variable[] = "LAYERED=yes";
	char directory[PATH_MAX];
	char program[PATH_MAX + sizeof("/http_recorder.py")];
	char places[PATH_MAX + sizeof("-state")];

	if (!getcwd(directory, sizeof(directory))) {
		error_report(-errno, "cannot tell the current directory");
		return EXIT_FAILURE;
	}
	snprintf(program, sizeof(program), "%s/http_recorder.py", directory);
	snprintf(places, sizeof(places), "%s-state", directory);
	return run_plan(&(struct plan){
		.table = "uva_container",
		.bridge = "uva",
		.name = "layered",
		.directory = directory,
		.files = PLAN_OVERLAY,
		.places = places,
		.keeps_output = true,
		.environment = (char *[]){variable, NULL},
		.argv = (char *[]){program, NULL},
		.copies = 2,
		.ports = ports,
		.port_count = 2,
		.rlimits = limits,
		.rlimit_count = 1,
		.ready_line = "copy {copy}: {url}",
		.ready_end = "Ctrl-C stops them.",
	});
}
