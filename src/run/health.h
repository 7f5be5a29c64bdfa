/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.h - is a copy well? Checks it again and again, or hears it from the copy itself.
 *
 * A new copy has as long as a copy has to become ready (life.h): it is checked every second, and a
 * check that fails tells nothing yet. After that, or once a check has succeeded, it is checked at
 * the plan's interval, and is unhealthy when so many checks in a row have failed as the plan says.
 */
#pragma once

#include "plan.h"
#include "run/checkup.h"
#include "run/probe.h"
#include "run/readiness.h"

enum health_state {
	HEALTH_UNASKED, /* the plan has no check */
	HEALTH_UNKNOWN, /* it starts, or it has no processes */
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
};

enum { HEALTH_WHY_MAX = 96 };

/** A member of its owner's structure. */
struct health {
	const struct plan *plan;
	struct loop *loop;
	unsigned int number; /* of the copy */
	/* Run a command in the copy. Return: as visit_begin(). */
	int (*start)(void *data, char *const *argv);
	/* @state is another one. */
	void (*on_change)(void *data);
	void *data;
	enum health_state state;
	bool is_checked;          /* the checks have begun */
	uint64_t begun_ns;        /* when the copy was started, CLOCK_MONOTONIC; 0: it is not */
	unsigned int failures;    /* in a row */
	char why[HEALTH_WHY_MAX]; /* what was wrong the last time; "": nothing */
	struct loop_timer next;   /* when the next check begins */
	struct probe_target target;
	struct probe probe;
	struct checkup checkup;
	struct readiness readiness;
};

/** health_open() - get ready, for all lives of a copy. The callbacks and @data are given. */
void health_open(struct health *health, const struct plan *plan, struct loop *loop,
		 unsigned int number);

/**
 * health_begin() - a life of the copy begins
 * @address, @address6: the copy's own; @address6 may be AF_UNSPEC
 * @notify: a socket at which the program may tell how it is, taken over; -1: none
 *
 * The first check waits for health_check().
 */
void health_begin(struct health *health, const struct address *address,
		  const struct address *address6, int notify);

/** health_check() - the copy can be checked now. Does nothing if it is checked already, or on NULL.
 */
void health_check(struct health *health);

/** health_is_good() - can connections be led to the copy? Always, if it is NULL: it has no check.
 */
bool health_is_good(const struct health *health);

/** health_end() - the copy ends: check it no more. What the program tells is read, but ignored.
 * Safe on NULL. */
void health_end(struct health *health);

/** health_close() - the copy has ended. Safe to repeat, and on NULL. */
void health_close(struct health *health);
