// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uva_container.c - the front door without arguments: two copies of http_recorder.py.
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
#include "run/run.h"

enum { EXIT_USAGE = 2 };

static const char USAGE[] =
	"usage: uva_container\n"
	"\n"
	"Runs two copies of ./http_recorder.py, each alone on port 8080, and maps\n"
	"host port 8081 to the first and 8082 to the second. Takes no arguments;\n"
	"needs root. Ctrl-C stops both. See uva_container(8).\n";

static const struct plan_port PORT = {
	.protocol = IPPROTO_TCP,
	.copy_port = 8080,
	.first_host_port = 8081,
};

int main(int argc, char **argv)
{
	char directory[PATH_MAX];
	char program[PATH_MAX + sizeof("/http_recorder.py")];

	(void)argv;
	process_ensure_stdio();
	if (argc != 1) {
		fputs(USAGE, stderr);
		return EXIT_USAGE;
	}
	if (!getcwd(directory, sizeof(directory))) {
		error_report(-errno, "cannot tell the current directory");
		return EXIT_FAILURE;
	}
	snprintf(program, sizeof(program), "%s/http_recorder.py",
		 strcmp(directory, "/") == 0 ? "" : directory);

	return run_plan(&(struct plan){
		.table = "uva_container",
		.bridge = "uva",
		.directory = directory,
		.places = "copies",
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
