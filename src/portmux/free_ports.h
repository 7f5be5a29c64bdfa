/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * free_ports.h - chooses the host ports of the mappings that name none: `-p 3000`.
 */
#pragma once

#include "host/reserve.h"
#include "plan.h"
#include "portmux/remembered.h"

struct free_ports {
	struct remembered remembered;
	uint16_t *numbers;        /* that the plan's ports point to; owned */
	struct reservation *held; /* @held_count of them, until all ports are chosen; owned */
	size_t held_count;
	bool has_changed; /* what is remembered is not what the file says */
};

/**
 * free_ports_choose() - give each copy a free host port for each mapping without one: the one that
 * it had in the last run with this state directory; if that is not free now, any
 * @ports:  @count ports of a plan for @copies copies. Those with the host port 0 get an array of
 *          host ports, which @chosen owns.
 * @state:  need not exist
 *
 * Nobody holds the ports from the end of this until the run reserves them. Return: 0 or -errno,
 * reported. Free with free_ports_free() in any case.
 */
int free_ports_choose(struct free_ports *chosen, struct plan_port *ports, size_t count,
		      unsigned int copies, const char *state, const struct identity *caller);

/**
 * free_ports_remember() - write into the state directory what was chosen, if it is new
 *
 * If that fails, it is reported, and the next run may get other ports.
 */
void free_ports_remember(const struct free_ports *chosen, const char *state,
			 const struct identity *caller);

/** free_ports_free() - free the arrays. Safe on zeros. */
void free_ports_free(struct free_ports *chosen);
