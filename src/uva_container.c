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
#include "manager.h"
#include "plan.h"

enum { EXIT_USAGE = 2 };

static const char USAGE[] =
	"usage: uva_container\n"
	"\n"
	"Runs two copies of ./http_recorder.py, each alone on port 8080, and maps\n"
	"host port 8081 to the first and 8082 to the second. Takes no arguments;\n"
	"needs root. Ctrl-C stops both. See uva_container(8).\n";

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

	return manager_run(&(struct plan){
		.directory = directory,
		.argv = (char *[]){program, NULL},
		.copies = 2,
		.protocol = IPPROTO_TCP,
		.copy_port = 8080,
		.first_host_port = 8081,
		.log = "http_recorder.log",
		.scheme = "http",
	});
}
