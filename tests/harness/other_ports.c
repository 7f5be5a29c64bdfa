// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * other_ports.c - a second front door, for tests: as many copies as asked for, on other host ports.
 *
 * usage: other_ports FIRST_HOST_PORT COPIES [SECOND_HOST_PORT]
 *
 * Host ports from the first one on lead to port 8080 of the copies, those from the second one on to
 * port 9090.
 */
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plan.h"
#include "run/run.h"

int main(int argc, char **argv)
{
	char directory[PATH_MAX];
	char program[PATH_MAX + sizeof("/http_recorder.py")];
	char places[PATH_MAX + sizeof("/copies")];
	struct plan_port ports[] = {
		{.protocol = IPPROTO_TCP, .copy_port = 8080},
		{.protocol = IPPROTO_TCP, .copy_port = 9090},
	};

	if (argc < 3 || !getcwd(directory, sizeof(directory)))
		return EXIT_FAILURE;
	snprintf(program, sizeof(program), "%s/http_recorder.py", directory);
	snprintf(places, sizeof(places), "%s/copies", directory);
	ports[0].first_host_port = (uint16_t)strtoul(argv[1], NULL, 10);
	ports[1].first_host_port = argc > 3 ? (uint16_t)strtoul(argv[3], NULL, 10) : 0;
	return run_plan(&(struct plan){
		.table = "uva_container",
		.bridge = "uva",
		.directory = directory,
		.places = places,
		.argv = (char *[]){program, NULL},
		.copies = (unsigned int)strtoul(argv[2], NULL, 10),
		.ports = ports,
		.port_count = argc > 3 ? 2 : 1,
		.scheme = "http",
		.greeting_name = "copy-{copy}.txt",
		.greeting = "copy {copy}\n",
		.ready_line = "copy {copy}: {url}  files copies/{copy}/files",
		.ready_end = "Ctrl-C stops them.",
	});
}
