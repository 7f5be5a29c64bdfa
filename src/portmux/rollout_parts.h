/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollout_parts.h - what the kinds of a rollout have in common. For those files only that define
 * them: rollout.c, rollout_restart.c.
 */
#pragma once

#include "base/loop.h"
#include "portmux/rollout.h"

enum { ROLLOUT_WHY_MAX = 256 };

struct rollout {
	struct fleet *fleet;
	struct rollout_client client;
	void (*look)(struct rollout *rollout);
	struct loop_timer deadline;
	unsigned int timeout_ms;
	unsigned int *numbers; /* of copies, @count of them; owned */
	size_t count;

	/* ---- To scale ---- */

	bool is_seen[PLAN_COPIES_MAX + 1], is_ready[PLAN_COPIES_MAX + 1];

	/* ---- To restart ---- */

	size_t at;          /* which of @numbers it is at */
	unsigned int *done; /* copies that run what is new, @done_count of them; owned */
	size_t done_count;
	unsigned int stand_in; /* a copy that stands in for the one it is at; 0: there is none */
	bool stands_in;        /* that is ready */
	bool is_dismissing;    /* that goes */
	uint64_t started_ns;   /* when the copy it is at has started last; 0: never */
	bool has_returned;     /* that one has started again */
	bool has_new_command;
	char **before;      /* the command before that; owned; NULL: the plan's */
	bool has_failed;    /* the client is told @why at the end */
	bool is_going_back; /* all copies in @numbers get the command of before */
	char why[ROLLOUT_WHY_MAX];
};

/** rollout_new() - begin. Return: NULL: another one is under way, or -ENOMEM; reported. */
struct rollout *rollout_new(struct fleet *fleet, const struct rollout_client *client);

/** rollout_say_step() - tell the client. */
void rollout_say_step(const struct rollout *rollout, unsigned int copy, const char *state);

/** rollout_set_deadline() - call @rollout->deadline.on_time after that time. */
void rollout_set_deadline(struct rollout *rollout, unsigned int timeout_ms);

/** rollout_clear_deadline() - do not. */
void rollout_clear_deadline(struct rollout *rollout);

/** rollout_over() - tell the client, and free it. @why: NULL: it went well */
void rollout_over(struct rollout *rollout, const char *why);
