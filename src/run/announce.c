// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * announce.c - the lines that tell where each copy can be reached.
 */
#include "run/announce.h"

#include "base/error.h"

enum { ANNOUNCE_GATE_MS = 5000 }; /* for pasta to take IPv6 connections */

static void announce_copy(struct run *run, const struct copy *copy)
{
	char text[PLAN_TEXT_MAX];

	if (!run->plan->ready_line)
		return;
	plan_expand(run->plan, run->plan->ready_line, copy->number, text);
	run_print(run, text);
}

static void announce_all(struct run *run)
{
	run->phase = RUN_SERVING;
	loop_clear_timer(&run->loop, &run->gate_timer);
	gate_tell(&run->gate);
	for (const struct copy *copy = run->crew.first; copy; copy = copy->next)
		if (copy->state == LIFE_READY || copy->state == LIFE_NOT_READY)
			announce_copy(run, copy);
	if (run->plan->ready_end)
		run_print(run, run->plan->ready_end);
	RUN_TELL(run, on_change, 0, LIFE_READY);
}

/* The gate is stopped, for example. */
static void announce_on_gate_late(void *data)
{
	error_say(0,
		  "pasta does not take IPv6 connections after %u s; going on without waiting "
		  "for it",
		  ANNOUNCE_GATE_MS / 1000);
	announce_all(data);
}

void announce_when_due(struct run *run)
{
	if (!ports_wait_for_gate(&run->crew.ports, &run->gate)) {
		announce_all(run);
		return;
	}
	if (run->gate_timer.is_set)
		return;
	run->gate_timer = (struct loop_timer){.on_time = announce_on_gate_late, .data = run};
	loop_set_timer(&run->loop, &run->gate_timer, ANNOUNCE_GATE_MS);
}
