/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fleet.h - what a run is to be: its ports and its command, which can change while it lives.
 *
 * How many copies it is to have changes step by step: rollout.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "plan.h"
#include "portmux/publish.h"
#include "run/run.h"

struct rollout;

struct fleet {
	const struct plan *plan;
	struct run *run;
	struct plan_port *ports; /* @port_count of them, as they are published now; owned */
	size_t port_count;
	char **command;          /* NULL: the plan's; owned, up to NULL */
	struct rollout *rollout; /* that is under way; NULL: none; owned */
	bool listens;            /* to what is said: see fleet_listen() */
	char said[512];
};

/**
 * fleet_open() - begin, and watch the run (run_observe())
 * @plan: must live as long as @fleet
 *
 * Return: 0 or -ENOMEM, reported. Call fleet_close() in any case.
 */
int fleet_open(struct fleet *fleet, const struct plan *plan, struct run *run);

/** fleet_close() - free what it has. */
void fleet_close(struct fleet *fleet);

/** fleet_listen() - from now on keep the first message that is said: whoever asked is told it. */
void fleet_listen(struct fleet *fleet);

/** fleet_said() - listen no more. Return: that message, without the program's name; or @otherwise.
 */
const char *fleet_said(struct fleet *fleet, const char *otherwise);

/** fleet_is_shared() - do all ports, of which there is one at least, lead to all copies? */
bool fleet_is_shared(const struct fleet *fleet);

/**
 * fleet_can_have() - is there a port of its own for copy @number, of each range?
 * Return: 0 or -EINVAL, reported.
 */
int fleet_can_have(const struct fleet *fleet, unsigned int number);

/**
 * fleet_add_copy() - start one more copy, with its ports
 * Return: its number; 0: that failed, reported, and nothing has changed.
 */
unsigned int fleet_add_copy(struct fleet *fleet);

/** fleet_give_up_ports() - copy @number has gone, and does not come again: give up its own ports.
 */
void fleet_give_up_ports(struct fleet *fleet, unsigned int number);

/**
 * fleet_publish() - map one more host port, or as many as there are copies
 * Return: 0 or -errno, reported; then nothing has changed.
 */
int fleet_publish(struct fleet *fleet, const struct publish *publish);

/** fleet_unpublish() - the contrary. Return: 0; -ENOENT, reported: there is no such mapping. */
int fleet_unpublish(struct fleet *fleet, const struct publish *publish);

/** fleet_publishes() - are there all its host ports? Another program can take one before we do. */
bool fleet_publishes(const struct fleet *fleet, const struct publish *publish);

/** fleet_set_command() - what copies start from now on. @command: taken over; NULL: the plan's */
void fleet_set_command(struct fleet *fleet, char **command);

/** fleet_swap_command() - the same. Return: what they have started, to be given back or freed. */
char **fleet_swap_command(struct fleet *fleet, char **command);

/** fleet_free_command() - free a command that was not given back. Safe on NULL. */
void fleet_free_command(char **command);
