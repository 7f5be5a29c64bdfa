/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * phases.h - where a run is between its start and its end, and what its deadlines are.
 *
 * It starts (until every copy listens, or has had its time), serves, and ends: the copies are told
 * to, and if they do not within a grace period, or on a second request, are killed. There is one
 * timer for all of this, and for the one thing that no event exists for: that a program has begun
 * to listen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "run.h"

enum phase {
	PHASE_STARTING,
	PHASE_SERVING,
	PHASE_ENDING, /* the copies have got SIGTERM */
	PHASE_KILLED, /* and SIGKILL */
};

struct phases {
	struct run *run;
	uint64_t deadline_ms; /* 0: none */
	enum phase phase;
	uint64_t began_ms;
	unsigned int probe_ms;
	bool hinted;
	bool blind; /* nobody can tell whether a copy listens */
	bool told_ipv6;
	bool given_up; /* a copy does not die */
	int err;       /* why the run ends; 0: it was asked to */
};

/** phases_begin() - the copies have been started. */
void phases_begin(struct phases *phases, struct run *run);

/** phases_timeout_ms() - how long to wait for events at most; -1: for ever. */
int phases_timeout_ms(const struct phases *phases);

/** phases_on_deadline() - do what is due, if anything is. */
void phases_on_deadline(struct phases *phases);

/** phases_on_request() - somebody asks for the end: the first time kindly, then at once. */
void phases_on_request(struct phases *phases);

/**
 * phases_end() - tell the copies to end, if that has not been done yet
 * @err: why, a negative errno that is reported; 0: because we were asked to
 */
void phases_end(struct phases *phases, int err);

/** phases_are_over() - no copy is left, or none that could be ended. */
bool phases_are_over(const struct phases *phases);
