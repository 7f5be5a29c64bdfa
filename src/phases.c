// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * phases.c - deadlines, and what happens at them.
 */
#include "phases.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "net/diag.h"

enum {
	READY_PROBE_FIRST_MS = 1, /* doubled from one look to the next */
	READY_PROBE_LAST_MS = 50,
	READY_DEADLINE_MS = 5000,
	LATE_PROBE_MS = 500, /* for a copy that did not make it by then */
	GRACE_HINT_MS = 1000,
	GRACE_MS = 5000,
	KILLED_DEADLINE_MS = 5000, /* a process in the middle of a disk access cannot die */
};

static uint64_t phases_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* @ms: from now; 0: never. */
static void phases_set_timer(struct phases *phases, unsigned int ms)
{
	phases->deadline_ms = ms ? phases_now_ms() + ms : 0;
}

static void phases_enter(struct phases *phases, enum phase phase, unsigned int timer_ms)
{
	phases->phase = phase;
	phases->began_ms = phases_now_ms();
	phases_set_timer(phases, timer_ms);
}

static unsigned int phases_elapsed_ms(const struct phases *phases)
{
	return (unsigned int)(phases_now_ms() - phases->began_ms);
}

static void phases_kill(struct phases *phases)
{
	struct run *run = phases->run;

	for (unsigned int i = 0; i < run->plan->copies; i++) {
		if (run->members[i].state == MEMBER_ENDED)
			continue;
		diag_abort_all(&run->members[i].diag);
		copy_kill(&run->members[i].copy);
	}
	phases_enter(phases, PHASE_KILLED, KILLED_DEADLINE_MS);
}

/* @err: 0 when asked to, else what went wrong. */
void phases_end(struct phases *phases, int err)
{
	struct run *run = phases->run;

	if (!phases->err)
		phases->err = err;
	if (phases->phase >= PHASE_ENDING)
		return;
	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].state != MEMBER_ENDED)
			copy_signal(&run->members[i].copy, SIGTERM);
	phases_enter(phases, PHASE_ENDING, GRACE_HINT_MS);
}

static void phases_announce(struct run *run)
{
	struct output *output = &run->output;

	for (unsigned int i = 0; i < run->plan->copies; i++) {
		const struct member *member = &run->members[i];
		char url[PLAN_URL_MAX], log[96] = "";

		if (member->state == MEMBER_ENDED)
			continue;
		plan_format_url(run->plan, member->number, url);
		if (run->plan->log)
			snprintf(log, sizeof(log), "  log copies/%u/tmp/%s", member->number,
				 run->plan->log);
		output_print(output, "copy %u: %s  files copies/%u/files%s", member->number, url,
			     member->number, log);
	}
	output_print(output, "Ctrl-C stops %s.", run->plan->copies == 1 ? "it" : "them");
}

static void phases_begin_serving(struct phases *phases)
{
	struct run *run = phases->run;

	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].state == MEMBER_STARTING)
			error_say(0,
				  "copy %u: nothing listens on its port %u after %d s; going on "
				  "without waiting for it",
				  i + 1, run->plan->copy_port, READY_DEADLINE_MS / 1000);
	phases_announce(run);
	phases_enter(phases, PHASE_SERVING, 0);
}

/* Looks whether a copy listens by now, and if on IPv6, leads that to it as well. */
static void phases_look(struct phases *phases, struct member *member)
{
	struct run *run = phases->run;
	const struct nat_port port = run_nat_port(run, member);
	struct diag_listeners listeners;
	int err = diag_find_listeners(&member->diag, run->plan->protocol, run->plan->copy_port,
				      &listeners);

	if (err == -EOPNOTSUPP) { /* what cannot be seen is not waited for */
		if (!phases->blind)
			error_say(0,
				  "this kernel has no inet_diag: cannot tell when copies listen");
		phases->blind = true;
		member->state = MEMBER_READY;
	}
	if (err || !(listeners.ipv4 || listeners.ipv6))
		return;
	member->state = MEMBER_READY;
	if (!listeners.ipv6 || run->subnet6.family == AF_UNSPEC)
		return;
	nat_publish_ipv6(&run->nat, &port);
	if (!run->uplinks.ipv6 && !phases->told_ipv6)
		error_say(0, "the copies' ports are not reachable over IPv6 from other machines: "
			     "that needs Linux 6.17 or newer");
	phases->told_ipv6 = true;
}

/* Return: whether a copy does not listen yet. */
static bool phases_look_at_all(struct phases *phases)
{
	struct run *run = phases->run;
	bool waiting = false;

	for (unsigned int i = 0; i < run->plan->copies; i++) {
		if (run->members[i].state == MEMBER_STARTING)
			phases_look(phases, &run->members[i]);
		waiting = waiting || run->members[i].state == MEMBER_STARTING;
	}
	return waiting;
}

static void phases_probe(struct phases *phases)
{
	bool waiting = phases_look_at_all(phases);

	if (phases->phase == PHASE_STARTING &&
	    (!waiting || phases_elapsed_ms(phases) >= READY_DEADLINE_MS)) {
		phases_begin_serving(phases);
		phases->probe_ms = LATE_PROBE_MS;
	}
	if (waiting)
		phases_set_timer(phases, phases->probe_ms);
	if (phases->probe_ms < READY_PROBE_LAST_MS)
		phases->probe_ms *= 2; /* and the last time beyond it */
}

int phases_timeout_ms(const struct phases *phases)
{
	uint64_t now = phases_now_ms();

	if (!phases->deadline_ms)
		return -1;
	return phases->deadline_ms > now ? (int)(phases->deadline_ms - now) : 0;
}

void phases_on_deadline(struct phases *phases)
{
	if (phases_timeout_ms(phases) != 0)
		return;
	phases->deadline_ms = 0;
	switch (phases->phase) {
	case PHASE_STARTING:
	case PHASE_SERVING:
		phases_probe(phases);
		break;
	case PHASE_ENDING:
		if (phases->hinted) {
			phases_kill(phases);
			break;
		}
		phases->hinted = true;
		error_say(0, "waiting up to %d s for the copies to end; Ctrl-C ends them at once",
			  (GRACE_MS - GRACE_HINT_MS) / 1000);
		phases_set_timer(phases, GRACE_MS - GRACE_HINT_MS);
		break;
	case PHASE_KILLED:
		phases->err = error_say(-ETIMEDOUT, "a copy does not die; leaving it behind");
		phases->given_up = true;
		break;
	}
}

void phases_begin(struct phases *phases, struct run *run)
{
	*phases = (struct phases){.run = run, .probe_ms = READY_PROBE_FIRST_MS};
	phases_enter(phases, PHASE_STARTING, READY_PROBE_FIRST_MS);
}

void phases_on_request(struct phases *phases)
{
	if (phases->phase == PHASE_ENDING)
		phases_kill(phases);
	else
		phases_end(phases, 0);
}

bool phases_are_over(const struct phases *phases)
{
	return run_live_copies(phases->run) == 0 || phases->given_up;
}
