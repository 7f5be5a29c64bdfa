// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run_command.c - `portmux run`: from options to a plan, and to a run.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "portmux/command.h"
#include "portmux/control.h"
#include "portmux/free_ports.h"
#include "portmux/options.h"
#include "portmux/program.h"
#include "portmux/report.h"
#include "portmux/state.h"
#include "run/run.h"

static const char USAGE[] =
	"usage: portmux run [OPTION]... [--] COMMAND [ARGUMENT]...\n"
	"\n"
	"Starts copies of a program, each as if it were alone on this machine, and maps\n"
	"host ports to them. Ctrl-C stops them.\n"
	"\n"
	"  -n, --copies N          how many (1)\n"
	"  -p, --publish MAPPING   [[ADDRESS:]HOSTPORT:]PORT[/tcp|/udp]; HOSTPORT is a\n"
	"                          port (for all copies), 8081-8090 or 8081+ (one for\n"
	"                          each), or nothing (a free one for each)\n"
	"      --balance HOW       connections to a port for all go to each in turn\n"
	"                          (round-robin, the default), to any (random), or a\n"
	"                          client's always to the same (source)\n"
	"      --files HOW         what a copy writes in this directory is its own\n"
	"                          (overlay, the default); is everybody's (shared); or\n"
	"                          it works in an empty directory of its own (private)\n"
	"  -d, --state DIR         where the copies' files are kept\n"
	"                          (~/.local/state/portmux/NAME)\n"
	"      --name NAME         the run's name (the command's)\n"
	"  -e, --env NAME=VALUE    set a variable\n"
	"  -w, --workdir DIR       where the program starts (this directory)\n"
	"  -u, --user USER[:GROUP] who it runs as (the caller)\n"
	"      --ulimit NAME=SOFT[:HARD]\n"
	"      --memory BYTES, --cpus NUMBER, --pids NUMBER\n"
	"                          limits of each copy\n"
	"      --restart WHEN      a copy that ends: no, on-failure, always (no)\n"
	"      --health CHECK      a copy is served while it is well: http:/PATH, tcp,\n"
	"                          exec:COMMAND or notify\n"
	"      --health-interval SECONDS, --health-timeout SECONDS\n"
	"      --health-retries N  of the checks (10, 5, 3)\n"
	"      --restart-unhealthy end a copy that is not well, and start it again\n"
	"      --grace SECONDS     from SIGTERM to SIGKILL (5)\n"
	"      --drain SECONDS     for connections to a copy that is taken away (30)\n"
	"      --json              events as JSON, one a line\n"
	"  -q, --quiet             only what the copies print\n"
	"  -h, --help  -V, --version\n";

int command_version(void)
{
	return puts("portmux " PORTMUX_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Return: the exit status. */
static int run_command_carry_out(const struct plan *plan, struct report *report,
				 struct control *control)
{
	const struct run_observer observer = report_observer(report);
	struct run *run = run_new(plan);

	if (!run)
		return EXIT_FAILURE;
	run_observe(run, &observer);
	control_serve(control, plan, run);
	return run_live(run);
}

/* While nobody else has the name. Return: the exit status. */
static int run_command_named(const struct plan *plan, const struct options *options,
			     const struct identity *caller, const struct free_ports *free_ports,
			     struct control *control)
{
	struct report report = {
		.plan = plan, .is_json = options->is_json, .is_quiet = options->is_quiet};
	AUTO_CLOSE int state = -1;
	int status;

	if (state_make(plan->places, caller) < 0)
		return EXIT_FAILURE;
	state = state_take(plan->places);
	if (state < 0)
		return EXIT_FAILURE;
	free_ports_remember(free_ports, plan->places, caller);
	report_open(&report);
	status = run_command_carry_out(plan, &report, control);
	report_close(&report);
	return status;
}

static int run_command_live(struct plan *plan, const struct options *options,
			    const struct identity *caller, const struct free_ports *free_ports)
{
	struct control control;
	int status = EXIT_FAILURE;

	if (plan_check(plan) < 0)
		return COMMAND_USAGE;
	if (control_open(&control, options->name, caller->uid) == 0)
		status = run_command_named(plan, options, caller, free_ports, &control);
	control_close(&control);
	return status;
}

/* @ports: those of the plan. */
static int run_command_choose(struct plan *plan, struct plan_port *ports,
			      const struct options *options, const struct identity *caller)
{
	struct free_ports free_ports = {0};
	int status = EXIT_FAILURE;

	if (free_ports_choose(&free_ports, ports, plan->port_count, plan->copies, plan->places,
			      caller) == 0)
		status = run_command_live(plan, options, caller, &free_ports);
	free_ports_free(&free_ports);
	return status;
}

/* What the plan points to. */
struct run_texts {
	char directory[PATH_MAX], places[PATH_MAX];
	char *program;           /* owned */
	struct plan_port *ports; /* owned */
};

/* Where it is another file, the plan's texts own its path. */
static int run_command_resolve(const struct plan *plan, const struct options *options,
			       char **ret_program)
{
	char *program = strdup(options->command[0]);
	int err = program ? program_resolve(plan, &program)
			  : error_report(-ENOMEM, "cannot begin the run");

	*ret_program = program;
	if (!err)
		options->command[0] = program;
	return err;
}

/* From options to a plan, whose texts and arrays the caller holds. */
static int run_command_plan(struct plan *plan, const struct options *options,
			    const struct identity *caller, struct run_texts *texts)
{
	int err;

	for (size_t i = 0; i < options->publish_count; i++)
		texts->ports[i] = publish_to_plan(&options->publish[i]);
	*plan = (struct plan){
		.table = "portmux",
		.bridge = "portmux",
		.name = options->name,
		.directory = texts->directory,
		.files = options->files,
		.places = texts->places,
		.keeps_output = true,
		.workdir = options->workdir,
		.user = options->user,
		.environment = options->environment,
		.argv = options->command,
		.copies = options->copies,
		.ports = texts->ports,
		.port_count = options->publish_count,
		.balance = options->balance,
		.restart = options->restart,
		.health = options->health,
		.may_finish = true,
		.grace_ms = options->grace_ms,
		.drain_ms = options->drain_ms,
		.rlimits = options->rlimits,
		.rlimit_count = options->rlimit_count,
		.memory_max = options->memory_max,
		.cpu_per_mille = options->cpu_per_mille,
		.pids_max = options->pids_max,
	};
	if (!getcwd(texts->directory, sizeof(texts->directory)))
		return error_report(-errno, "cannot tell the current directory");
	err = run_command_resolve(plan, options, &texts->program);
	return err ? err : state_find(options, caller, texts->places);
}

static int run_command_check_user(const struct plan *plan)
{
	struct identity user = {0};
	int err = plan->user ? identity_of_user(&user, plan->user) : 0;

	identity_free(&user);
	return err;
}

static int run_command_check_addresses(const struct plan *plan)
{
	int first_err = 0;

	for (size_t i = 0; i < plan->port_count; i++) {
		int err = reserve_check_address(&plan->ports[i].address);

		first_err = first_err ? first_err : err;
	}
	return first_err;
}

/* Each of these reports what is wrong. Return: 0 or -errno, reported. */
static int run_command_check(const struct plan *plan)
{
	static int (*const CHECKS[])(const struct plan *) = {
		run_command_check_addresses, program_check, program_check_workdir, state_check,
		run_command_check_user,
	};
	int first_err = 0;

	for (size_t i = 0; i < sizeof(CHECKS) / sizeof(CHECKS[0]); i++) {
		int err = CHECKS[i](plan);

		first_err = first_err ? first_err : err;
	}
	return first_err;
}

/* @options_err: some of @options are bad, which has been reported: only look at the others. */
static int run_command_with(const struct options *options, int options_err,
			    const struct identity *caller)
{
	struct run_texts texts = {.ports =
					  calloc(options->publish_count + 1, sizeof(*texts.ports))};
	int status = COMMAND_USAGE;
	struct plan plan;
	int err;

	if (!texts.ports) {
		error_report(-ENOMEM, "cannot begin the run");
		return EXIT_FAILURE;
	}
	err = run_command_plan(&plan, options, caller, &texts);
	if (run_command_check(&plan) == 0 && !err && !options_err)
		status = run_command_choose(&plan, texts.ports, options, caller);
	free(texts.ports);
	free(texts.program);
	return status;
}

int command_run(int argc, char **argv)
{
	struct identity caller = {0};
	struct options options;
	int status = COMMAND_USAGE;
	int err = options_parse(&options, argc, argv);

	if (!err && options.wants_version)
		status = command_version();
	else if (!err && options.wants_help)
		status = fputs(USAGE, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	else if (options.command)
		status = identity_of_caller(&caller) < 0 ? EXIT_FAILURE
							 : run_command_with(&options, err, &caller);
	identity_free(&caller);
	options_free(&options);
	return status;
}
