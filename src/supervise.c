// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * supervise.c - one loop over everything that can happen to a run. All waits are epoll's.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "net/diag.h"
#include "phases.h"
#include "run.h"

enum {
	OUTPUT_READ_MAX = 4096, /* from one copy, before the others get their turn */
	EVENTS_MAX = 64,
};

enum event_kind {
	EVENT_SIGNAL,
	EVENT_GUARDIAN,
	EVENT_WATCH,  /* of links and addresses */
	EVENT_READER, /* of our standard output: it takes more, or is gone */
	EVENT_OUTPUT, /* of a copy */
	EVENT_END,    /* of a copy */
};

struct supervisor {
	struct run *run;
	struct phases phases;
	int epoll;
	bool reader_watched;
	bool writable_watched;
	bool outputs_watched; /* not while our own reader does not read */
};

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

static void supervisor_on_signal(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->run->signals, &info, sizeof(info)) == sizeof(info))
		phases_on_request(&supervisor->phases);
}

static void supervisor_on_guardian(struct supervisor *supervisor)
{
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, supervisor->run->guardian.pidfd, NULL);
	phases_end(&supervisor->phases,
		   error_say(-EPIPE, "the guardian has been killed: stopping"));
}

static void supervisor_on_link_gone(struct supervisor *supervisor, unsigned int ifindex)
{
	struct run *run = supervisor->run;

	if (supervisor->phases.phase >= PHASE_ENDING)
		return;
	if (ifindex == run->bridge_index)
		phases_end(&supervisor->phases,
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

/* Some news was lost: what has become of our links? */
static void supervisor_look_for_links(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;
	char name[IFNAMSIZ];

	if (!if_indextoname(run->bridge_index, name))
		supervisor_on_link_gone(supervisor, run->bridge_index);
	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].state != MEMBER_ENDED &&
		    !if_indextoname(run->members[i].link_index, name))
			supervisor_on_link_gone(supervisor, run->members[i].link_index);
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
		if (event.kind == WATCH_LOST)
			supervisor_look_for_links(supervisor);
	}
	if (addresses && supervisor->phases.phase < PHASE_ENDING)
		run_update_uplinks(supervisor->run);
}

/* Return: whether there may be more. */
static bool supervisor_read_output(struct run *run, struct member *member)
{
	char data[OUTPUT_READ_MAX];
	ssize_t n = read(member->copy.output, data, sizeof(data));

	if (n > 0)
		output_feed(&run->output, member->number, &member->line, data, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static void supervisor_on_output(struct supervisor *supervisor, struct member *member,
				 uint32_t events)
{
	if (supervisor_read_output(supervisor->run, member) || !(events & EPOLLHUP))
		return;
	/* Nobody has the terminal open any more, nobody can again, and all is read. */
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, member->copy.output, NULL);
	output_finish(&supervisor->run->output, member->number, &member->line);
	fd_close(&member->copy.output);
}

static void supervisor_tell_end(struct run *run, const struct member *member, bool reported,
				int status)
{
	const char *abbreviation = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
	char how[64];

	if (!reported && WIFEXITED(status))
		snprintf(how, sizeof(how), "could not be set up");
	else if (!reported)
		snprintf(how, sizeof(how), "was killed");
	else if (abbreviation)
		snprintf(how, sizeof(how), "ended by SIG%s", abbreviation);
	else if (WIFSIGNALED(status)) /* a real-time signal has no name */
		snprintf(how, sizeof(how), "ended by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
	error_say(0, "copy %u: %s; port %u is refused from now on", member->number, how,
		  plan_host_port(run->plan, member->number));
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
	/* The guardian has the pidfd too: closing it here does not take it out of the epoll. */
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, member->copy.pidfd, NULL);
	copy_close(&member->copy);
	if (supervisor->phases.phase < PHASE_ENDING) {
		supervisor_tell_end(run, member, reported, status);
		nat_unpublish(&run->nat, &port);
		if (run_live_copies(run) == 0)
			phases_end(&supervisor->phases, error_say(-ECHILD, "no copy is left"));
	}
}

/*
 * While our reader does not take what we have, the copies are not read either: they wait, as they
 * would on a terminal that is stopped, and nothing piles up here.
 */
static void supervisor_flush(struct supervisor *supervisor)
{
	struct run *run = supervisor->run;
	int err = output_flush(&run->output);
	bool clear = output_is_clear(&run->output);

	if (err && supervisor->phases.phase < PHASE_ENDING)
		error_report(err, "cannot write to the standard output");
	if (err)
		phases_end(&supervisor->phases, err);
	if (clear == supervisor->writable_watched && supervisor->reader_watched)
		supervisor_control(supervisor, EPOLL_CTL_MOD, run->output.fd, clear ? 0 : EPOLLOUT,
				   EVENT_READER, 0);
	supervisor->writable_watched = !clear;
	if (clear == supervisor->outputs_watched)
		return;
	for (unsigned int i = 0; i < run->plan->copies; i++)
		if (run->members[i].copy.output >= 0)
			supervisor_control(supervisor, clear ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
					   run->members[i].copy.output, EPOLLIN, EVENT_OUTPUT, i);
	supervisor->outputs_watched = clear;
}

static void supervisor_on_reader_gone(struct supervisor *supervisor)
{
	epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, supervisor->run->output.fd, NULL);
	supervisor->reader_watched = false;
	if (supervisor->phases.phase < PHASE_ENDING)
		error_say(0, "nobody reads the standard output any more: stopping");
	phases_end(&supervisor->phases, -EPIPE);
}

static void supervisor_dispatch(struct supervisor *supervisor, const struct epoll_event *event)
{
	struct member *member = &supervisor->run->members[(uint32_t)event->data.u64];

	switch ((enum event_kind)(event->data.u64 >> 32)) {
	case EVENT_SIGNAL:
		supervisor_on_signal(supervisor);
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
			supervisor_on_output(supervisor, member, event->events);
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
	if (supervisor->epoll < 0)
		return error_report(-errno, "cannot prepare to wait for events");
	err = supervisor_watch(supervisor, run->signals, EVENT_SIGNAL, 0);
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
	while (!phases_are_over(&supervisor->phases)) {
		int n = epoll_wait(supervisor->epoll, events, EVENTS_MAX,
				   phases_timeout_ms(&supervisor->phases));

		if (n < 0 && errno != EINTR)
			return error_report(-errno, "cannot wait for events");
		for (int i = 0; i < n; i++)
			supervisor_dispatch(supervisor, &events[i]);
		phases_on_deadline(&supervisor->phases);
		supervisor_flush(supervisor);
	}
	return supervisor->phases.err;
}

int run_supervise(struct run *run)
{
	struct supervisor supervisor = {.run = run, .epoll = -1};
	int err = supervisor_open(&supervisor);

	phases_begin(&supervisor.phases, run);
	if (!err)
		err = supervisor_loop(&supervisor);
	fd_close(&supervisor.epoll);
	return err;
}
