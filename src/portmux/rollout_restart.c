// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rollout_restart.c - one copy after the other drains, ends, starts and is ready again. A new copy
 * can stand in for each of them meanwhile.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "portmux/rollout_parts.h"

static void restart_fail(struct rollout *rollout, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- Step by step ---- */

/* Return: false: there is no such copy any more. */
static bool restart_begin_copy(struct rollout *rollout, unsigned int number)
{
	struct run_copy copy;

	rollout->has_returned = false;
	if (!run_find_copy(rollout->fleet->run, number, &copy))
		return false;
	rollout->started_ns = copy.started_ns;
	run_restart_copy(rollout->fleet->run, number);
	rollout_say_step(rollout, number, "gets no new connections");
	return true;
}

/* The copies are done: the one that stood in for each of them goes. */
static void restart_dismiss(struct rollout *rollout)
{
	rollout->is_dismissing = true;
	if (run_remove_copy(rollout->fleet->run, rollout->stand_in) == 0)
		rollout_say_step(rollout, rollout->stand_in, "gets no new connections");
}

/*
 * All copies that run the new command get the one of before. The last one is first: if it is not
 * ready, none of the others may be away, too.
 */
static void restart_go_back(struct rollout *rollout)
{
	fleet_set_command(rollout->fleet, rollout->before);
	rollout->before = NULL;
	rollout->has_new_command = false;
	rollout->is_going_back = true;
	for (size_t i = 0; i < rollout->done_count; i++)
		rollout->numbers[i] = rollout->done[rollout->done_count - 1 - i];
	rollout->count = rollout->done_count;
	rollout->at = 0;
}

/* The copy it is at has failed; restart_next() goes on from there. */
static void restart_fail(struct rollout *rollout, const char *fmt, ...)
{
	va_list args;

	if (!rollout->has_failed) {
		va_start(args, fmt);
		vsnprintf(rollout->why, sizeof(rollout->why), fmt, args);
		va_end(args);
	}
	rollout->has_failed = true;
	if (rollout->has_returned && !rollout->is_going_back)
		rollout->done[rollout->done_count++] = rollout->numbers[rollout->at];
	if (rollout->has_new_command)
		restart_go_back(rollout);
	else if (rollout->is_going_back)
		rollout->at++;
	else
		rollout->at = rollout->count;
}

static void restart_next(struct rollout *rollout)
{
	rollout_clear_deadline(rollout);
	while (rollout->at < rollout->count &&
	       !restart_begin_copy(rollout, rollout->numbers[rollout->at]))
		restart_fail(rollout, "copy %u has ended", rollout->numbers[rollout->at]);
	if (rollout->at < rollout->count)
		return;
	if (rollout->stand_in)
		restart_dismiss(rollout);
	else
		rollout_over(rollout, rollout->has_failed ? rollout->why : NULL);
}

static void restart_on_deadline(void *data)
{
	struct rollout *rollout = data;
	bool is_stand_in = rollout->stand_in && !rollout->stands_in;

	restart_fail(rollout, "copy %u is not ready after %g s",
		     is_stand_in ? rollout->stand_in : rollout->numbers[rollout->at],
		     rollout->timeout_ms / 1000.0);
	restart_next(rollout);
}

static void restart_look_at_copy(struct rollout *rollout, unsigned int number)
{
	struct run_copy copy;

	if (!run_find_copy(rollout->fleet->run, number, &copy)) {
		rollout->has_returned = false;
		restart_fail(rollout, "copy %u has ended", number);
		restart_next(rollout);
		return;
	}
	if (copy.started_ns == rollout->started_ns)
		return;
	if (!rollout->has_returned)
		rollout_set_deadline(rollout, rollout->timeout_ms);
	rollout->has_returned = true;
	if (copy.returns && rollout->fleet->plan->restart == PLAN_RESTART_NO) {
		restart_fail(rollout, "copy %u has ended", number);
		restart_next(rollout);
		return;
	}
	if (copy.state != LIFE_READY)
		return;
	rollout_say_step(rollout, number, "ready");
	if (!rollout->is_going_back)
		rollout->done[rollout->done_count++] = number;
	rollout->at++;
	restart_next(rollout);
}

static void restart_look_at_stand_in(struct rollout *rollout)
{
	struct run_copy copy;
	bool is_there = run_find_copy(rollout->fleet->run, rollout->stand_in, &copy);

	if (rollout->is_dismissing && !is_there) {
		rollout_say_step(rollout, rollout->stand_in, "gone");
		rollout->stand_in = 0;
		restart_next(rollout);
	} else if (!rollout->is_dismissing && !is_there) {
		restart_fail(rollout, "the new copy has ended");
		restart_next(rollout);
	} else if (!rollout->is_dismissing && copy.state == LIFE_READY) {
		rollout->stands_in = true;
		rollout_say_step(rollout, rollout->stand_in, "ready");
		restart_next(rollout);
	}
}

static void restart_look(struct rollout *rollout)
{
	if (rollout->stand_in && (!rollout->stands_in || rollout->is_dismissing))
		restart_look_at_stand_in(rollout);
	else
		restart_look_at_copy(rollout, rollout->numbers[rollout->at]);
}

/* ---- Its beginning ---- */

static void restart_on_copy(void *data, const struct run_copy *copy)
{
	struct rollout *rollout = data;

	rollout->numbers[rollout->count++] = copy->number;
}

static int restart_list(struct rollout *rollout, const struct rollout_restart *how)
{
	struct run *run = rollout->fleet->run;
	struct run_copy copy;

	rollout->numbers = calloc(PLAN_COPIES_MAX + how->count, sizeof(*rollout->numbers));
	rollout->done = calloc(PLAN_COPIES_MAX + how->count, sizeof(*rollout->done));
	if (!rollout->numbers || !rollout->done)
		return error_report(-ENOMEM, "cannot change the copies");
	if (how->count == 0)
		run_each_copy(run, restart_on_copy, rollout);
	for (size_t i = 0; i < how->count; i++) {
		if (!run_find_copy(run, how->copies[i], &copy))
			return error_say(-ENOENT, "there is no copy %u", how->copies[i]);
		rollout->numbers[rollout->count++] = how->copies[i];
	}
	return 0;
}

static int restart_prepare(struct rollout *rollout, const struct rollout_restart *how)
{
	struct fleet *fleet = rollout->fleet;
	int err = restart_list(rollout, how);

	if (err)
		return err;
	if (how->surges && !fleet_is_shared(fleet))
		return error_say(-EINVAL,
				 "a new copy cannot stand in for one that has ports of its own");
	rollout->timeout_ms = how->timeout_ms;
	rollout->look = restart_look;
	rollout->deadline = (struct loop_timer){.on_time = restart_on_deadline, .data = rollout};
	return 0;
}

/* Return: 0 or -errno, reported. */
static int restart_begin(struct rollout *rollout, const struct rollout_restart *how)
{
	struct fleet *fleet = rollout->fleet;
	bool surges = how->surges || (run_size(fleet->run) == 1 && fleet_is_shared(fleet));

	if (!surges) {
		restart_next(rollout);
		return 0;
	}
	rollout->stand_in = fleet_add_copy(fleet);
	if (!rollout->stand_in)
		return -ECANCELED;
	rollout_set_deadline(rollout, rollout->timeout_ms);
	rollout_say_step(rollout, rollout->stand_in, "starts");
	return 0;
}

int rollout_restart(struct fleet *fleet, const struct rollout_restart *how,
		    const struct rollout_client *client)
{
	struct rollout *rollout = rollout_new(fleet, client);
	int err = rollout ? restart_prepare(rollout, how) : -ECANCELED;

	if (err) {
		rollout_free(rollout);
		fleet_free_command(how->command);
		return err;
	}
	if (how->command) {
		rollout->has_new_command = true;
		rollout->before = fleet_swap_command(fleet, how->command);
	}
	fleet->rollout = rollout;
	err = restart_begin(rollout, how);
	if (!err)
		return 0;
	fleet->rollout = NULL;
	if (how->command)
		fleet_set_command(fleet, rollout->before);
	rollout->before = NULL;
	rollout_free(rollout);
	return err;
}
