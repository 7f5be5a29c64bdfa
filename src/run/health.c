// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * health.c - when a copy is checked, and what the results add up to. How one is made is in probe.c,
 * checkup.c and readiness.c.
 */
#include "run/health.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "run/life.h"

enum { HEALTH_STARTING_MS = 1000 }; /* from one check to the next, while the copy starts */

static int health_on_start(void *data);
static void health_on_next(void *data);
static void health_on_result(void *data, const char *why);
static void health_on_said(void *data, bool is_ready);

void health_open(struct health *health, const struct plan *plan, struct loop *loop,
		 unsigned int number)
{
	health->plan = plan;
	health->loop = loop;
	health->number = number;
	health->next = (struct loop_timer){.on_time = health_on_next, .data = health};
	health->probe = (struct probe){.loop = loop, .on_result = health_on_result, .data = health};
	health->checkup = (struct checkup){.loop = loop,
					   .start = health_on_start,
					   .on_result = health_on_result,
					   .data = health};
	health->readiness =
		(struct readiness){.loop = loop, .on_said = health_on_said, .data = health};
	probe_open(&health->probe);
	checkup_open(&health->checkup);
	readiness_open(&health->readiness);
	if (plan->health.kind != PLAN_HEALTH_NONE)
		health->state = HEALTH_UNKNOWN;
}

void health_begin(struct health *health, const struct address *address,
		  const struct address *address6, int notify)
{
	const struct plan *plan = health->plan;
	const struct plan_port *port = plan_first_tcp_port(plan);
	int err;

	health->target = (struct probe_target){
		.address = *address,
		.address6 = *address6,
		.port = port ? port->copy_port : 0,
		.path = plan->health.kind == PLAN_HEALTH_HTTP ? plan->health.text : NULL,
		.timeout_ms = plan->health.timeout_ms,
	};
	health->begun_ns = loop_now_ns();
	if (notify < 0)
		return;
	snprintf(health->why, sizeof(health->why), "it has not said READY=1");
	err = readiness_hear(&health->readiness, notify);
	if (err)
		error_report(err, "copy %u: cannot hear whether it is ready", health->number);
}

bool health_is_good(const struct health *health)
{
	return !health || health->state == HEALTH_UNASKED || health->state == HEALTH_HEALTHY;
}

static bool health_is_starting(const struct health *health)
{
	uint64_t starting_ns = life_deadline_ms(LIFE_STARTING, 0, 0) * 1000000ULL;

	return health->state == HEALTH_UNKNOWN && loop_now_ns() - health->begun_ns < starting_ns;
}

/* ---- What is known ---- */

static void health_set(struct health *health, enum health_state state)
{
	enum health_state before = health->state;

	health->state = state;
	if (state == before)
		return;
	if (state == HEALTH_UNHEALTHY)
		error_say(0, "copy %u: unhealthy: %s", health->number, health->why);
	else if (before == HEALTH_UNHEALTHY)
		error_say(0, "copy %u: healthy again", health->number);
	health->on_change(health->data);
}

/* @why: what is wrong; NULL: nothing. */
static void health_take(struct health *health, const char *why)
{
	enum health_state state = why ? health->state : HEALTH_HEALTHY;

	snprintf(health->why, sizeof(health->why), "%s", why ? why : "");
	if (!why)
		health->failures = 0;
	else if (!health_is_starting(health) && health->failures < health->plan->health.retries)
		health->failures++;
	if (health->failures == health->plan->health.retries)
		state = HEALTH_UNHEALTHY;
	health_set(health, state);
}

/* ---- Checks ---- */

/*
 * Each copy has a moment of its own within the interval, so that many are checked one after the
 * other, however close together they have started. The factor is 2^32 divided by the golden ratio:
 * its multiples are spread evenly, however many there are.
 */
static unsigned int health_next_ms(const struct health *health)
{
	unsigned int interval_ms = health->plan->health.interval_ms;
	uint32_t turn = health->number * 2654435769U;
	uint64_t moment_ms = ((uint64_t)turn * interval_ms >> 32) + loop_now_ns() / 1000000;

	if (health_is_starting(health))
		return interval_ms < HEALTH_STARTING_MS ? interval_ms : HEALTH_STARTING_MS;
	return interval_ms - (unsigned int)(moment_ms % interval_ms);
}

static void health_plan_next(struct health *health)
{
	loop_set_timer(health->loop, &health->next, health_next_ms(health));
}

static int health_on_start(void *data)
{
	const struct health *health = data;
	char shell[] = "/bin/sh", option[] = "-c";
	char *const argv[] = {shell, option, (char *)health->plan->health.text, NULL};

	return health->start(health->data, argv);
}

static int health_begin_check(struct health *health)
{
	if (health->plan->health.kind == PLAN_HEALTH_EXEC)
		return checkup_begin(&health->checkup, health->plan->health.timeout_ms);
	return probe_begin(&health->probe, &health->target);
}

/* A check that we cannot begin tells nothing of the copy; one that the copy does not take, does. */
static void health_on_next(void *data)
{
	struct health *health = data;
	int err = health_begin_check(health);

	if (err == -EBUSY || err == -EAGAIN) {
		health_on_result(health, "its check cannot be begun");
	} else if (err) {
		error_report(err, "copy %u: its health cannot be checked", health->number);
		health_plan_next(health);
	}
}

static void health_on_result(void *data, const char *why)
{
	struct health *health = data;

	health_take(health, why);
	if (health->is_checked) /* nobody has ended the copy because of it */
		health_plan_next(health);
}

static void health_on_said(void *data, bool is_ready)
{
	struct health *health = data;

	if (!health->begun_ns) /* it ends */
		return;
	snprintf(health->why, sizeof(health->why), "%s", is_ready ? "" : "it has said STOPPING=1");
	health_set(health, is_ready ? HEALTH_HEALTHY : HEALTH_UNHEALTHY);
}

void health_check(struct health *health)
{
	enum plan_health_kind kind = health ? health->plan->health.kind : PLAN_HEALTH_NONE;

	if (kind == PLAN_HEALTH_NONE || health->is_checked || kind == PLAN_HEALTH_NOTIFY)
		return;
	health->is_checked = true;
	loop_set_timer(health->loop, &health->next, 0);
}

/* ---- The end ---- */

void health_end(struct health *health)
{
	if (!health || !health->begun_ns)
		return;
	probe_close(&health->probe);
	checkup_stop(&health->checkup);
	loop_clear_timer(health->loop, &health->next);
	health->begun_ns = 0;
	health->failures = 0;
	health->is_checked = false;
	health->why[0] = '\0';
	if (health->state != HEALTH_UNASKED)
		health->state = HEALTH_UNKNOWN;
}

void health_close(struct health *health)
{
	if (!health)
		return;
	health_end(health);
	checkup_close(&health->checkup);
	readiness_close(&health->readiness);
}
