// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run.c - the life of a run, from its first check to its exit status. The way up is in start.c.
 *
 * When all copies listen, or have had their time, the run says so. Then it handles events until it
 * is asked to end, or until no copy is left. The way down is always the same, however far the way
 * up has come: the copies, their connections, the rules, and then what the guardian undoes. The
 * rules must go before the links: if the links went first, packets for a copy would leave by the
 * default route.
 */
#include "run/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"
#include "run/announce.h"
#include "run/start.h"
#include "run/survey.h"

enum {
	RUN_FLOWS_MS = 20,   /* for datagrams that are under way while the rules change */
	RUN_SMOOTH_MS = 500, /* without a copy that comes or goes */
	RUN_HINT_MS = 1000,  /* if the end takes longer, say why */
	RUN_DEATH_MS = 5000, /* time for copies that still live when all is over */
};

/* ---- The end ---- */

void run_end(struct run *run, int err)
{
	if (!run->err)
		run->err = err;
	if (run->phase >= RUN_ENDING)
		return;
	run->phase = RUN_ENDING;
	RUN_TELL(run, on_ending);
	loop_clear_timer(&run->loop, &run->gate_timer);
	loop_clear_timer(&run->loop, &run->answer_timer);
	loop_set_timer(&run->loop, &run->hint_timer, RUN_HINT_MS);
	crew_end(&run->crew, LIFE_STOP);
}

static void run_on_hint(void *data)
{
	const struct run *run = data;
	unsigned int grace_ms = plan_grace_ms(run->plan);

	if (grace_ms > RUN_HINT_MS) /* they have not got SIGKILL yet */
		error_say(0, "waiting up to %g s for the copies to end; Ctrl-C ends them at once",
			  (grace_ms - RUN_HINT_MS) / 1000.0);
}

/*
 * The first time kindly; at once if somebody insists. After run_on_hint(), which may have come
 * without any signal, a first Ctrl-C does what the hint has said.
 */
static void run_on_request(void *data, int number, bool is_urgent)
{
	struct run *run = data;

	if (number == SIGUSR1)
		RUN_TELL(run, on_query);
	else if (run->phase < RUN_ENDING)
		run_end(run, 0);
	else if (run->phase == RUN_ENDING &&
		 (is_urgent || (number == SIGINT && !run->hint_timer.is_set)))
		crew_end(&run->crew, LIFE_KILL);
}

static void run_on_console_lost(void *data, int err)
{
	struct run *run = data;

	if (err != -EPIPE)
		error_report(err, "cannot write to the standard output");
	else if (run->phase < RUN_ENDING)
		error_say(0, "nobody reads the standard output any more: stopping");
	else
		return; /* Ctrl-C ends the reader of a pipeline, too */
	run_end(run, err);
}

void run_on_bridge_gone(void *data)
{
	struct run *run = data;

	if (run->phase < RUN_ENDING)
		run_end(run, error_say(-ENODEV, "bridge %s has been deleted: stopping",
				       run->network.bridge.name));
}

/* ---- Its copies ---- */

static void run_tell_ipv6(struct run *run)
{
	if (run->has_told_ipv6 || run->network.uplinks.has_ipv6 ||
	    run->network.bridge.subnet6.family == AF_UNSPEC)
		return;
	run->has_told_ipv6 = true;
	error_say(0, "the copies' ports are not reachable over IPv6 from other machines: "
		     "that needs Linux 6.17 or newer");
}

/* A copy has ended by itself, and does not start again: that can be what it was to do. */
static void run_lose(struct run *run, const struct copy *copy)
{
	run->has_lost = run->has_lost || !copy->has_succeeded;
	if (!crew_is_empty(&run->crew) || run->phase >= RUN_ENDING)
		return;
	error_say(0, "no copy is left");
	run_end(run, run->plan->may_finish && !run->has_lost ? 0 : -ECHILD);
}

static void run_on_copy(void *data, struct copy *copy, enum life_state before)
{
	struct run *run = data;

	(void)before;
	if (copy->state == LIFE_READY && copy->has_ipv6)
		run_tell_ipv6(run);
	if (copy->state == LIFE_ENDED && !copy->is_asked && !copy->has_failed && !copy->returns_ns)
		run_lose(run, copy);
	if (copy->state == LIFE_ENDED)
		survey_tell_exit(run, copy);
	else
		RUN_TELL(run, on_change, copy->number, copy->state);
}

static void run_on_copy_health(void *data, struct copy *copy)
{
	survey_tell_health(data, copy);
}

static void run_on_copy_failed(void *data, struct copy *copy, int err)
{
	struct run *run = data;

	if (run->phase < RUN_SERVING && copy->restarts == 0)
		run_end(run, err);
}

static void run_on_copy_left(void *data, unsigned int number)
{
	struct run *run = data;

	RUN_TELL(run, on_change, number, LIFE_ENDED);
}

/* ---- The way up: start.c ---- */

static void run_open_crew(struct run *run)
{
	run->crew = (struct crew){
		.setting = {.plan = run->plan,
			    .identity = &run->identity,
			    .argv = run->plan->argv,
			    .slots = &run->slots,
			    .loop = &run->loop,
			    .console = &run->console,
			    .network = &run->network,
			    .guardian = &run->guardian,
			    .cgroup = &run->cgroup,
			    .places = &run->places,
			    .mounts = &run->mounts,
			    .gate = &run->gate},
		.on_change = run_on_copy,
		.on_health = run_on_copy_health,
		.on_failed = run_on_copy_failed,
		.on_left = run_on_copy_left,
		.data = run,
	};
	crew_open(&run->crew);
}

static int run_begin(struct run *run)
{
	int err = console_open(&run->console, &run->loop, run_on_console_lost, run);
	if (err)
		return err;
	survey_watch_console(run);
	err = signals_open(&run->signals, &run->loop, run_on_request, run);
	if (err)
		return err;
	run_open_crew(run);
	return start_begin(run);
}

/* ---- Events ---- */

static void run_on_flows(void *data)
{
	struct run *run = data;

	ports_end_flows_again(&run->crew.ports, &run->network.route);
}

/* The commit that follows deals the buckets in turn. */
static void run_on_calm(void *data)
{
	struct run *run = data;

	ports_smooth(&run->crew.ports);
}

/* What was asked for of the table, all at once; then the ports that are new in it, and its flows.
 */
static void run_commit(struct run *run)
{
	int err;

	if (!run->is_installed)
		return;
	if (ports_settle(&run->crew.ports)) /* anew, as long as copies come and go */
		loop_set_timer(&run->loop, &run->smooth_timer, RUN_SMOOTH_MS);
	err = network_commit(&run->network);
	if (err) {
		run->is_installed = false; /* what failed once is not tried again, part by part */
		run_end(run, err);
		return;
	}
	crew_hold_ports(&run->crew);
	ports_end_flows(&run->crew.ports, &run->network.route);
	if (run->crew.ports.again_count && !run->flows_timer.is_set)
		loop_set_timer(&run->loop, &run->flows_timer, RUN_FLOWS_MS);
}

/*
 * After every turn of the loop: what its events have added up to. The ports lead to their copies
 * before that is said; and whoever hears of it may ask for more.
 */
static void run_settle(struct run *run)
{
	run_commit(run);
	if (run->phase == RUN_STARTING && !crew_is_starting(&run->crew))
		announce_when_due(run);
	RUN_TELL(run, on_settled);
	console_flush(&run->console);
	run_commit(run);
	crew_kill_dying(&run->crew);
	if (run->phase != RUN_ENDING || !crew_is_empty(&run->crew))
		return;
	if (run->crew.undying && !run->err)
		run->err = -ETIMEDOUT;
	run->phase = RUN_OVER;
}

static void run_handle_events(struct run *run)
{
	while (run->phase != RUN_OVER) {
		int err = loop_turn(&run->loop);

		if (err) {
			run->err = error_report(err, "cannot wait for events");
			return;
		}
		run_settle(run);
	}
}

/* ---- The way down ---- */

/* Return: the exit status. */
static int run_close(struct run *run)
{
	int status, err;

	loop_clear_timer(&run->loop, &run->gate_timer);
	loop_clear_timer(&run->loop, &run->answer_timer);
	loop_clear_timer(&run->loop, &run->hint_timer);
	loop_clear_timer(&run->loop, &run->flows_timer);
	loop_clear_timer(&run->loop, &run->smooth_timer);
	crew_bury(&run->crew, RUN_DEATH_MS);
	network_close(&run->network);
	ports_release(&run->crew.ports);
	cgroup_close(&run->cgroup);
	places_close(&run->places);
	mounts_close(&run->mounts);
	log_close(&run->log);
	loop_forget(&run->loop, &run->answer);
	loop_forget(&run->loop, &run->watchdog);
	err = guardian_finish(&run->guardian);
	loop_forget(&run->loop, &run->gate_source);
	gate_close(&run->gate);
	/*
	 * The sockets that see the copies' network namespaces are closed only here. If they were
	 * closed earlier, the kernel would be busy taking the namespaces apart, and it would hold
	 * the lock that is also needed to delete a link (cleanup_net()).
	 */
	crew_close(&run->crew);
	container_slots_close(&run->slots);
	identity_free(&run->identity);
	signals_close(&run->signals);
	status = run->err || err ? EXIT_FAILURE : EXIT_SUCCESS;
	RUN_TELL(run, on_over, status);
	console_close(&run->console);
	loop_close(&run->loop);
	return status;
}

struct run *run_new(const struct plan *plan)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run) {
		error_report(-ENOMEM, "cannot begin the run");
		return NULL;
	}
	if (loop_open(&run->loop) < 0) {
		free(run);
		return NULL;
	}
	run->plan = plan;
	run->gate = GATE_NONE;
	run->guardian = GUARDIAN_NONE;
	run->log = LOG_NONE;
	run->cgroup = CGROUP_NONE;
	run->places = (struct places){
		.plan = plan, .identity = &run->identity, .log = &run->log, .directory = -1};
	run->flows_timer = (struct loop_timer){.on_time = run_on_flows, .data = run};
	run->smooth_timer = (struct loop_timer){.on_time = run_on_calm, .data = run};
	run->hint_timer = (struct loop_timer){.on_time = run_on_hint, .data = run};
	return run;
}

void run_observe(struct run *run, const struct run_observer *observer)
{
	run->observers[run->observer_count++] = *observer;
}

struct loop *run_loop(struct run *run)
{
	return &run->loop;
}

int run_live(struct run *run)
{
	int status;

	run->err = run_begin(run);
	if (!run->err)
		run_handle_events(run);
	status = run_close(run);
	free(run);
	return status;
}

int run_plan(const struct plan *plan)
{
	struct run *run = run_new(plan);

	return run ? run_live(run) : EXIT_FAILURE;
}
