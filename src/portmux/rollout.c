// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rollout.c - looks after each turn of the loop whether what it waits for has happened.
 */
#include "portmux/rollout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "portmux/rollout_parts.h"

/* ---- For both kinds ---- */

struct rollout *rollout_new(struct fleet *fleet, const struct rollout_client *client)
{
	struct rollout *rollout;

	if (fleet->rollout) {
		error_say(-EBUSY, "another change of the copies is under way");
		return NULL;
	}
	rollout = calloc(1, sizeof(*rollout));
	if (!rollout) {
		error_report(-ENOMEM, "cannot change the copies");
		return NULL;
	}
	rollout->fleet = fleet;
	rollout->client = *client;
	return rollout;
}

void rollout_say_step(const struct rollout *rollout, unsigned int copy, const char *state)
{
	if (rollout->client.on_step)
		rollout->client.on_step(rollout->client.data, copy, state);
}

void rollout_set_deadline(struct rollout *rollout, unsigned int timeout_ms)
{
	rollout->timeout_ms = timeout_ms;
	loop_set_timer(run_loop(rollout->fleet->run), &rollout->deadline, timeout_ms);
}

void rollout_clear_deadline(struct rollout *rollout)
{
	if (rollout->deadline.on_time)
		loop_clear_timer(run_loop(rollout->fleet->run), &rollout->deadline);
}

void rollout_over(struct rollout *rollout, const char *why)
{
	struct rollout_client client = rollout->client;
	char text[ROLLOUT_WHY_MAX] = "";

	if (why)
		snprintf(text, sizeof(text), "%s", why);
	rollout->fleet->rollout = NULL;
	rollout_free(rollout);
	if (client.on_over)
		client.on_over(client.data, why ? text : NULL);
}

void rollout_forget(struct rollout *rollout, const void *data)
{
	if (rollout && rollout->client.data == data)
		rollout->client = (struct rollout_client){0};
}

void rollout_look(struct rollout *rollout)
{
	rollout->look(rollout);
}

void rollout_free(struct rollout *rollout)
{
	if (!rollout)
		return;
	rollout_clear_deadline(rollout);
	fleet_free_command(rollout->before);
	free(rollout->numbers);
	free(rollout->done);
	free(rollout);
}

/* ---- More or fewer copies ---- */

static void scale_on_copy(void *data, const struct run_copy *copy)
{
	struct rollout *rollout = data;

	rollout->is_seen[copy->number] = true;
	rollout->is_ready[copy->number] = copy->state == LIFE_READY;
}

/* Finds out which of the copies are there. Return: the number of one that is not ready; 0: none. */
static unsigned int scale_find_unready(struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->count; i++)
		if (!rollout->is_ready[rollout->numbers[i]])
			return rollout->numbers[i];
	return 0;
}

static void scale_survey(struct rollout *rollout)
{
	memset(rollout->is_seen, 0, sizeof(rollout->is_seen));
	memset(rollout->is_ready, 0, sizeof(rollout->is_ready));
	run_each_copy(rollout->fleet->run, scale_on_copy, rollout);
}

static void scale_look_up(struct rollout *rollout)
{
	char why[ROLLOUT_WHY_MAX];

	scale_survey(rollout);
	for (size_t i = 0; i < rollout->count; i++)
		if (!rollout->is_seen[rollout->numbers[i]]) {
			snprintf(why, sizeof(why), "copy %u has ended", rollout->numbers[i]);
			rollout_over(rollout, why);
			return;
		}
	if (!scale_find_unready(rollout))
		rollout_over(rollout, NULL);
}

static void scale_look_down(struct rollout *rollout)
{
	scale_survey(rollout);
	for (size_t i = 0; i < rollout->count;) {
		unsigned int number = rollout->numbers[i];

		if (rollout->is_seen[number]) {
			i++;
			continue;
		}
		fleet_give_up_ports(rollout->fleet, number);
		rollout_say_step(rollout, number, "gone");
		rollout->numbers[i] = rollout->numbers[--rollout->count];
	}
	if (rollout->count == 0)
		rollout_over(rollout, NULL);
}

static void scale_on_deadline(void *data)
{
	struct rollout *rollout = data;
	char why[ROLLOUT_WHY_MAX];

	scale_survey(rollout);
	snprintf(why, sizeof(why), "copy %u is not ready after %g s", scale_find_unready(rollout),
		 rollout->timeout_ms / 1000.0);
	rollout_over(rollout, why);
}

static int scale_up(struct rollout *rollout, unsigned int copies, unsigned int timeout_ms)
{
	struct fleet *fleet = rollout->fleet;

	for (unsigned int have = run_size(fleet->run); have < copies; have++) {
		unsigned int number = fleet_add_copy(fleet);

		if (number) {
			rollout->numbers[rollout->count++] = number;
			continue;
		}
		while (rollout->count > 0) {
			number = rollout->numbers[--rollout->count];
			run_remove_copy(fleet->run, number);
			fleet_give_up_ports(fleet, number);
		}
		return -ECANCELED;
	}
	rollout->look = scale_look_up;
	rollout->deadline = (struct loop_timer){.on_time = scale_on_deadline, .data = rollout};
	rollout_set_deadline(rollout, timeout_ms);
	return 0;
}

static void scale_down(struct rollout *rollout, unsigned int copies)
{
	struct run *run = rollout->fleet->run;
	unsigned int have = run_size(run);

	for (unsigned int number = run_last_number(run); number > 0 && have > copies; number--)
		if (run_remove_copy(run, number) == 0) {
			rollout->numbers[rollout->count++] = number;
			have--;
		}
	rollout->look = scale_look_down;
}

int rollout_scale(struct fleet *fleet, unsigned int copies, unsigned int timeout_ms,
		  const struct rollout_client *client)
{
	struct rollout *rollout = rollout_new(fleet, client);
	int err = 0;

	if (!rollout)
		return -ECANCELED;
	rollout->numbers = calloc(PLAN_COPIES_MAX, sizeof(*rollout->numbers));
	if (!rollout->numbers)
		err = error_report(-ENOMEM, "cannot change the copies");
	else if (copies >= run_size(fleet->run))
		err = scale_up(rollout, copies, timeout_ms);
	else
		scale_down(rollout, copies);
	if (err) {
		rollout_free(rollout);
		return err;
	}
	fleet->rollout = rollout;
	return 0;
}
