// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * change.c - what a front door changes of a run while it lives: its copies, its ports, its command,
 * its end.
 */
#include <errno.h>
#include <sys/resource.h>

#include "base/error.h"
#include "run/run.h"
#include "run/start.h"
#include "run/state.h"

/* Return: 0 or -errno, reported: no port can be added. */
static int change_prepare_port(struct run *run, const struct nat_port *port)
{
	struct rlimit before;

	if (run->gate.pidfd >= 0)
		return error_say(-EOPNOTSUPP,
				 "port %u: without root, no port can be added while copies run",
				 port->number);
	return start_raise_file_limit(run->crew.count, run->crew.ports.count + 1, &before);
}

int run_add_mapping(struct run *run, const struct nat_port *port, uint16_t copy_port,
		    unsigned int number)
{
	int err = change_prepare_port(run, port);

	return err ? err : crew_add_mapping(&run->crew, *port, copy_port, number);
}

int run_remove_mapping(struct run *run, const struct nat_port *port)
{
	return crew_remove_mapping(&run->crew, *port);
}

unsigned int run_next_number(const struct run *run)
{
	return crew_next_number(&run->crew);
}

unsigned int run_last_number(const struct run *run)
{
	return crew_last_number(&run->crew);
}

unsigned int run_size(const struct run *run)
{
	return run->crew.count;
}

unsigned int run_add_copy(struct run *run)
{
	struct rlimit before;

	if (start_raise_file_limit(run->crew.count + 1, run->crew.ports.count, &before) < 0 ||
	    crew_add(&run->crew) < 0)
		return 0;
	crew_start(&run->crew);
	return run->crew.newest;
}

/* When the run ends, all copies are told to end, and none starts again. */
static struct copy *change_find(struct run *run, unsigned int number)
{
	return run->crew.is_ending ? NULL : crew_find(&run->crew, number);
}

int run_remove_copy(struct run *run, unsigned int number)
{
	struct copy *copy = change_find(run, number);

	if (!copy)
		return -ENOENT;
	crew_drop(&run->crew, copy);
	return 0;
}

int run_restart_copy(struct run *run, unsigned int number)
{
	struct copy *copy = change_find(run, number);

	if (!copy)
		return -ENOENT;
	crew_restart(&run->crew, copy);
	return 0;
}

void run_set_command(struct run *run, char *const *argv)
{
	run->crew.setting.argv = argv;
}

int run_share_port(struct run *run, const struct nat_port *port, uint16_t copy_port)
{
	int err = change_prepare_port(run, port);

	return err ? err : crew_share(&run->crew, *port, copy_port, run->plan->balance);
}

int run_kill_copy(struct run *run, unsigned int number)
{
	struct copy *copy = crew_find(&run->crew, number);

	if (!copy)
		return -ENOENT;
	if (!life_is_live(copy->state))
		return -ESRCH;
	copy_step(copy, LIFE_KILL); /* not copy_happens(), after which its end is no news */
	return 0;
}

void run_stop(struct run *run)
{
	run_end(run, 0);
}

void run_kill(struct run *run)
{
	run_end(run, 0);
	if (run->phase == RUN_ENDING)
		crew_end(&run->crew, LIFE_KILL);
}
