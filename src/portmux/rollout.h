/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollout.h - a change of the copies of a run that takes time: there are more or fewer of them, or
 * each starts again, one after the other.
 *
 * There is one at a time. It goes on when whoever has asked for it is gone.
 */
#pragma once

#include "portmux/fleet.h"

struct rollout;

/** Who has asked for it; each function may be NULL. */
struct rollout_client {
	/* What has been done of it: a copy, and its state in words. */
	void (*on_step)(void *data, unsigned int copy, const char *state);
	/* It is over. @why: NULL: it went well. */
	void (*on_over)(void *data, const char *why);
	void *data;
};

/**
 * rollout_scale() - have @copies copies: those that are too many drain and go
 * @timeout_ms: until new ones are ready; then it has failed, and they stay
 *
 * Return: 0 or -errno, reported; then nothing has changed.
 */
int rollout_scale(struct fleet *fleet, unsigned int copies, unsigned int timeout_ms,
		  const struct rollout_client *client);

/** How copies start again. */
struct rollout_restart {
	const unsigned int *copies; /* @count of them, in this order; none: all */
	size_t count;
	/*
	 * First a new copy, which stands in for each of the others as long as it is away, and then
	 * goes again. A run with one copy and no port but shared ones does so in any case.
	 */
	bool surges;
	unsigned int
		timeout_ms; /* until a copy is ready: otherwise all go back, and it has failed */
	char **command;     /* what they start; taken over; NULL: what they have started */
};

/**
 * rollout_restart() - start copies again, one after the other: each drains, ends, starts, is ready
 * Return: 0 or -errno, reported; then nothing has changed.
 */
int rollout_restart(struct fleet *fleet, const struct rollout_restart *how,
		    const struct rollout_client *client);

/** rollout_forget() - the client has gone: tell it nothing. */
void rollout_forget(struct rollout *rollout, const void *data);

/** rollout_look() - after each turn of the loop: is the next step due? */
void rollout_look(struct rollout *rollout);

/** rollout_free() - forget it. Safe on NULL. */
void rollout_free(struct rollout *rollout);
