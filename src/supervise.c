// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * supervise.c - one loop over everything that can happen to a run.
 *
 * A run is first starting (until every copy listens, or has had its time), then serving, then
 * ending (the copies have been told to stop). All waits are epoll's; a timer stands for the
 * deadlines, and for the one thing that no event exists for: that a program has begun to listen.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "net/diag.h"
#include "run.h"

enum {
	READY_PROBE_FIRST_MS = 1, /* doubled from one look to the next */
	READY_PROBE_LAST_MS = 50,
	READY_DEADLINE_MS = 5000,
	LATE_PROBE_MS = 500, /* for a copy that did not make it by then */
	GRACE_HINT_MS = 1000,
	GRACE_MS = 5000,
	KILLED_DEADLINE_MS = 5000, /* a process in the middle of a disk access cannot die */
	OUTPUT_READ_MAX = 4096,    /* from one copy, before the others get their turn */
	EVENTS_MAX = 64,
};

enum event_kind {
	EVENT_SIGNAL,
	EVENT_TIMER,
	EVENT_GUARDIAN,
	EVENT_WATCH,  /* of links and addresses */
	EVENT_READER, /* of our standard output: it takes more, or is gone */
	EVENT_OUTPUT, /* of a copy */
	EVENT_END,    /* of a copy */
};

enum phase {
	PHASE_STARTING,
	PHASE_SERVING,
	PHASE_ENDING, /* the copies have got SIGTERM */
	PHASE_KILLED, /* and SIGKILL */
};

struct supervisor {
	struct run *run;
	int epoll;
	int timer;
	enum phase phase;
	uint64_t phase_began_ms;
	unsigned int probe_ms;
	bool hinted;
	bool blind; /* nobody can tell whether a copy listens */
	bool told_ipv6;
	bool reader_watched;
	bool writable_watched;
	bool outputs_watched; /* not while our own reader does not read */
	int err;              /* why the run ends; 0: it was asked to */
};

static uint64_t supervisor_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int supervisor_control(struct supervisor *supervisor, int operation, int fd, uint32_t events,
			      enum event_kind kind, unsigned int index)
{
	struct epoll_event event = {.events = events, .data.u64 = (uint64_t)kind << 32 | index};

	if (epoll_ctl(supervisor->epoll, operation, fd, &event) == 0)
		return 0;
	return error_report(-errno, "cannot watch a descriptor");
}

static int supervisor_watch(struct supervisor *supervisor, int fd, enum event_kind kind,
			    unsigned int index)
{
	return supervisor_control(supervisor, EPOLL_CTL_ADD, fd, EPOLLIN, kind, index);
}

static void supervisor_set_timer(const struct supervisor *supervisor, unsigned int ms)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
	};

	timerfd_settime(supervisor->timer, 0, &when, NULL);
}

static void supervisor_enter(struct supervisor *supervisor, enum phase phase, unsigned int timer_ms)
{
	supervisor->phase = phase;
	supervisor->phase_began_ms = supervisor_now_ms();
	supervisor_set_timer(supervisor, timer_ms);
}

static unsigned int supervisor_phase_ms(const struct supervisor *supervisor)
{
	return (unsigned int)(supervisor_now_ms() - supervisor->phase_began_ms);
}

/* ---- The end of the run ------------------------------------------------------------------------
 */

static void supervisor_kill(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;

	for (unsigned int i = 0; i < run->plan->copies; i++) {
		if (run->members[i].state == MEMBER_ENDED)
			continue;
		diag_abort_all(&run->members[i].diag);
		copy_kill(&run->members[i].copy);
	}
	supervisor_enter(supervisor, PHASE_KILLED, KILLED_DEADLINE_MS);
}

/* @err: 0 when asked to, else what went wrong. */
static void supervisor_end(struct supervisor *supervisor, int err)
{
	struct run *run = supervisor->run;

	if (!supervisor->err)
		supervisor->err = err;
	if (supervisor->phase >= PHASE_ENDING)
		return;
	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].state != MEMBER_ENDED)
			copy_signal(&run->members[i].copy, SIGTERM);
	supervisor_enter(supervisor, PHASE_ENDING, GRACE_HINT_MS);
}

static void supervisor_on_signal(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->run->signals, &info, sizeof(info)) == sizeof(info)) {
		if (supervisor->phase == PHASE_ENDING)
			supervisor_kill(supervisor);
		else
			supervisor_end(supervisor, 0);
	}
}

static void supervisor_on_guardian(struct supervisor *supervisor)
{
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, supervisor->run->guardian.pidfd, NULL);
	supervisor_end(supervisor, error_say(-EPIPE, "the guardian has been killed: stopping"));
}

static void supervisor_on_link_gone(struct supervisor *supervisor, unsigned int ifindex)
{
	struct run *run = supervisor->run;

	if (supervisor->phase >= PHASE_ENDING)
		return;
	if (ifindex == run->bridge_index)
		supervisor_end(
			supervisor,
			error_say(-ENODEV, "bridge %s has been deleted: stopping", run->bridge));
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		struct member *member = &run->members[i];

		if (member->link_index != ifindex || member->state == MEMBER_ENDED)
			continue;
		error_say(0, "copy %u: its link %s-%u has been deleted: stopping it",
			  member->number, run->bridge, member->number);
		copy_kill(&member->copy);
	}
}

static void supervisor_on_watch(struct supervisor *supervisor)
{
	struct watch_event event;

	bool addresses = false;

	while (watch_next(&supervisor->run->watch, &event)) {
		if (event.kind == WATCH_LINK_GONE)
			supervisor_on_link_gone(supervisor, event.ifindex);
		else
			addresses = true;
	}
	if (addresses && supervisor->phase < PHASE_ENDING)
		run_update_uplinks(supervisor->run);
}

/* ---- The beginning of the run ------------------------------------------------------------------
 */

static void supervisor_announce(struct run *run)
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

static void supervisor_begin_serving(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;

	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].state == MEMBER_STARTING)
			error_say(0,
				  "copy %u: nothing listens on its port %u after %d s; going on "
				  "without waiting for it",
				  i + 1, run->plan->copy_port, READY_DEADLINE_MS / 1000);
	supervisor_announce(run);
	supervisor_enter(supervisor, PHASE_SERVING, 0);
}

/* Looks whether a copy listens by now, and if on IPv6, leads that to it as well. */
static void supervisor_look(struct supervisor *supervisor, struct member *member)
{
	struct run *run = supervisor->run;
	const struct nat_port port = run_nat_port(run, member);
	struct diag_listeners listeners;
	int err = diag_find_listeners(&member->diag, run->plan->protocol, run->plan->copy_port,
				      &listeners);

	if (err == -EOPNOTSUPP) { /* what cannot be seen is not waited for */
		if (!supervisor->blind)
			error_say(0,
				  "this kernel has no inet_diag: cannot tell when copies listen");
		supervisor->blind = true;
		member->state = MEMBER_READY;
	}
	if (err || !(listeners.ipv4 || listeners.ipv6))
		return;
	member->state = MEMBER_READY;
	if (!listeners.ipv6 || run->subnet6.family == AF_UNSPEC)
		return;
	nat_publish_ipv6(&run->nat, &port);
	if (!run->uplinks.ipv6 && !supervisor->told_ipv6)
		error_say(0, "the copies' ports are not reachable over IPv6 from other machines: "
			     "that needs Linux 6.17 or newer");
	supervisor->told_ipv6 = true;
}

/* Return: whether a copy does not listen yet. */
static bool supervisor_look_at_all(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;
	bool waiting = false;

	for (unsigned int i = 0; i < run->plan->copies; i++) {
		if (run->members[i].state == MEMBER_STARTING)
			supervisor_look(supervisor, &run->members[i]);
		waiting = waiting || run->members[i].state == MEMBER_STARTING;
	}
	return waiting;
}

static void supervisor_probe(struct supervisor *supervisor)
{
	bool waiting = supervisor_look_at_all(supervisor);

	if (supervisor->phase == PHASE_STARTING &&
	    (!waiting || supervisor_phase_ms(supervisor) >= READY_DEADLINE_MS)) {
		supervisor_begin_serving(supervisor);
		supervisor->probe_ms = LATE_PROBE_MS;
	}
	if (waiting)
		supervisor_set_timer(supervisor, supervisor->probe_ms);
	if (supervisor->probe_ms < READY_PROBE_LAST_MS)
		supervisor->probe_ms *= 2;
}

static void supervisor_on_timer(struct supervisor *supervisor)
{
	uint64_t expirations;

	if (read(supervisor->timer, &expirations, sizeof(expirations)) < 0)
		return;
	switch (supervisor->phase) {
	case PHASE_STARTING:
	case PHASE_SERVING:
		supervisor_probe(supervisor);
		break;
	case PHASE_ENDING:
		if (supervisor->hinted) {
			supervisor_kill(supervisor);
			break;
		}
		supervisor->hinted = true;
		error_say(0, "waiting up to %d s for the copies to end; Ctrl-C ends them at once",
			  (GRACE_MS - GRACE_HINT_MS) / 1000);
		supervisor_set_timer(supervisor, GRACE_MS - GRACE_HINT_MS);
		break;
	case PHASE_KILLED:
		supervisor->err = error_say(-ETIMEDOUT, "a copy does not die; leaving it behind");
		break;
	}
}

/* ---- What the copies do ------------------------------------------------------------------------
 */

/* Return: whether there may be more. */
static bool supervisor_read_output(struct run *run, struct member *member)
{
	char data[OUTPUT_READ_MAX];
	ssize_t n = read(member->copy.output, data, sizeof(data));

	if (n > 0)
		output_feed(&run->output, member->number, &member->line, data, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static void supervisor_on_output(struct supervisor *supervisor, struct member *member)
{
	if (supervisor_read_output(supervisor->run, member) || errno == EAGAIN)
		return;
	/* EIO: nobody has the terminal open any more, and nobody can again. */
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, member->copy.output, NULL);
	output_finish(&supervisor->run->output, member->number, &member->line);
	fd_close(&member->copy.output);
}

static void supervisor_tell_end(struct run *run, const struct member *member, bool reported,
				int status)
{
	unsigned int port = plan_host_port(run->plan, member->number);

	if (!reported)
		error_say(0, "copy %u: was killed; port %u is refused from now on", member->number,
			  port);
	else if (WIFSIGNALED(status))
		error_say(0, "copy %u: ended by SIG%s; port %u is refused from now on",
			  member->number, sigabbrev_np(WTERMSIG(status)), port);
	else
		error_say(0, "copy %u: exited with status %d; port %u is refused from now on",
			  member->number, WEXITSTATUS(status), port);
}

static void supervisor_on_end(struct supervisor *supervisor, struct member *member)
{
	struct run *run = supervisor->run;
	const struct nat_port port = run_nat_port(run, member);
	bool reported;
	int status;

	/* What it has printed last comes before the word that it has ended. */
	while (member->copy.output >= 0 && supervisor_read_output(run, member))
		output_flush(&run->output);
	output_finish(&run->output, member->number, &member->line);
	output_flush(&run->output);

	reported = copy_reap(&member->copy, &status);
	member->state = MEMBER_ENDED;
	diag_abort_all(&member->diag); /* what it had still to send nobody would deliver */
	copy_close(&member->copy);
	if (supervisor->phase < PHASE_ENDING) {
		supervisor_tell_end(run, member, reported, status);
		nat_unpublish(&run->nat, &port);
		if (run_live_copies(run) == 0)
			supervisor_end(supervisor, error_say(-ECHILD, "no copy is left"));
	}
}

/* ---- The loop ----------------------------------------------------------------------------------
 */

/*
 * While our reader does not take what we have, the copies are not read either: they wait, as they
 * would on a terminal that is stopped, and nothing piles up here.
 */
static void supervisor_flush(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;
	int err = output_flush(&run->output);
	bool clear = output_is_clear(&run->output);

	if (err)
		supervisor_end(supervisor, err);
	if (clear == supervisor->writable_watched && supervisor->reader_watched)
		supervisor_control(supervisor, EPOLL_CTL_MOD, run->output.fd, clear ? 0 : EPOLLOUT,
				   EVENT_READER, 0);
	supervisor->writable_watched = !clear;
	if (clear == supervisor->outputs_watched)
		return;
	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].copy.output >= 0)
			supervisor_control(supervisor, EPOLL_CTL_MOD, run->members[i].copy.output,
					   clear ? EPOLLIN : 0, EVENT_OUTPUT, i);
	supervisor->outputs_watched = clear;
}

static void supervisor_on_reader_gone(struct supervisor *supervisor)
{
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, supervisor->run->output.fd, NULL);
	supervisor->reader_watched = false;
	if (supervisor->phase < PHASE_ENDING)
		error_say(0, "nobody reads the standard output any more: stopping");
	supervisor_end(supervisor, -EPIPE);
}

static void supervisor_dispatch(struct supervisor *supervisor, const struct epoll_event *event)
{
	struct member *member = &supervisor->run->members[(uint32_t)event->data.u64];

	switch ((enum event_kind)(event->data.u64 >> 32)) {
	case EVENT_SIGNAL:
		supervisor_on_signal(supervisor);
		break;
	case EVENT_TIMER:
		supervisor_on_timer(supervisor);
		break;
	case EVENT_GUARDIAN:
		supervisor_on_guardian(supervisor);
		break;
	case EVENT_WATCH:
		supervisor_on_watch(supervisor);
		break;
	case EVENT_READER: /* supervisor_flush() comes after every event */
		if (event->events & (EPOLLERR | EPOLLHUP))
			supervisor_on_reader_gone(supervisor);
		break;
	case EVENT_OUTPUT:
		if (member->copy.output >= 0 && output_is_clear(&supervisor->run->output))
			supervisor_on_output(supervisor, member);
		break;
	case EVENT_END:
		if (member->state != MEMBER_ENDED)
			supervisor_on_end(supervisor, member);
		break;
	}
}

/* A file is always ready, which epoll refuses to say (EPERM): nothing to watch then. */
static int supervisor_watch_reader(struct supervisor *supervisor)
{
	struct epoll_event event = {.data.u64 = (uint64_t)EVENT_READER << 32};

	supervisor->reader_watched = epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD,
					       supervisor->run->output.fd, &event) == 0;
	return supervisor->reader_watched || errno == EPERM
		       ? 0
		       : error_report(-errno, "cannot watch the standard output");
}

static int supervisor_open(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;
	int err;

	supervisor->epoll = epoll_create1(EPOLL_CLOEXEC);
	supervisor->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (supervisor->epoll < 0 || supervisor->timer < 0)
		return error_report(-errno, "cannot prepare to wait for events");
	err = supervisor_watch(supervisor, run->signals, EVENT_SIGNAL, 0);
	if (!err)
		err = supervisor_watch(supervisor, supervisor->timer, EVENT_TIMER, 0);
	if (!err)
		err = supervisor_watch(supervisor, run->guardian.pidfd, EVENT_GUARDIAN, 0);
	if (!err)
		err = supervisor_watch(supervisor, netlink_fd(&run->watch), EVENT_WATCH, 0);
	if (!err)
		err = supervisor_watch_reader(supervisor);
	for (unsigned int i = 0; !err && i < run->plan->copies; i++) {
		err = supervisor_watch(supervisor, run->members[i].copy.pidfd, EVENT_END, i);
		if (!err)
			err = supervisor_watch(supervisor, run->members[i].copy.output,
					       EVENT_OUTPUT, i);
	}
	return err;
}

static int supervisor_loop(struct supervisor *supervisor)
{
	struct epoll_event events[EVENTS_MAX];

	supervisor->outputs_watched = true;
	supervisor->probe_ms = READY_PROBE_FIRST_MS;
	supervisor_enter(supervisor, PHASE_STARTING, READY_PROBE_FIRST_MS);
	while (run_live_copies(supervisor->run) > 0 &&
	       !(supervisor->phase == PHASE_KILLED && supervisor->err == -ETIMEDOUT)) {
		int n = epoll_wait(supervisor->epoll, events, EVENTS_MAX, -1);

		if (n < 0 && errno != EINTR)
			return error_report(-errno, "cannot wait for events");
		for (int i = 0; i < n; i++)
			supervisor_dispatch(supervisor, &events[i]);
		supervisor_flush(supervisor);
	}
	return supervisor->err;
}

int run_supervise(struct run *run)
{
	struct supervisor supervisor = {.run = run, .epoll = -1, .timer = -1};
	int err = supervisor_open(&supervisor);

	if (!err)
		err = supervisor_loop(&supervisor);
	fd_close(&supervisor.epoll);
	fd_close(&supervisor.timer);
	return err;
}
