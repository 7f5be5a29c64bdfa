// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uva_container.c - the front door: two copies of http_recorder.py. Or a look inside.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"
#include "plan.h"
#include "rootless/userns.h"
#include "run/run.h"

enum { EXIT_USAGE = 2 };

static const char USAGE[] =
	"usage: uva_container\n"
	"\n"
	"Runs two copies of ./http_recorder.py, each alone on port 8080, and maps\n"
	"host port 8081 to the first and 8082 to the second. Takes no arguments;\n"
	"Ctrl-C stops both. Without root, connections pass through pasta(1). See\n"
	"uva_container(8).\n"
	"\n"
	"       uva_container --inside PID [COMMAND [ARGUMENT]...]\n"
	"\n"
	"Runs a command, or a shell, in the network of a run without root.\n";

static const struct plan_port PORT = {
	.protocol = IPPROTO_TCP,
	.copy_port = 8080,
	.first_host_port = 8081,
};

int main(int argc, char **argv)
{
	char directory[PATH_MAX];
	char program[PATH_MAX + sizeof("/http_recorder.py")];
	char places[PATH_MAX + sizeof("/copies")];
	const char *prefix;

	process_ensure_stdio();
	if (argc > 2 && strcmp(argv[1], "--inside") == 0)
		return userns_run_inside(argv + 2);
	if (argc != 1) {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	if (!getcwd(directory, sizeof(directory))) {
		error_report(-errno, "cannot tell the current directory");
		return EXIT_FAILURE;
	}
	prefix = strcmp(directory, "/") == 0 ? "" : directory;
	snprintf(program, sizeof(program), "%s/http_recorder.py", prefix);
	snprintf(places, sizeof(places), "%s/copies", prefix);

	return run_plan(&(struct plan){
		.table = "uva_container",
		.bridge = "uva",
		.directory = directory,
		.places = places,
		.argv = (char *[]){program, NULL},
		.copies = 2,
		.ports = &PORT,
		.port_count = 1,
		.scheme = "http",
		.greeting_name = "copy-{copy}.txt",
		.greeting = "This is the working directory of copy {copy}.\n"
			    "What you put here is served at {url}\n",
		.ready_line = "copy {copy}: {url}  files copies/{copy}/files"
			      "  log copies/{copy}/tmp/http_recorder.log",
		.ready_end = "Ctrl-C stops them.",
	});
}
