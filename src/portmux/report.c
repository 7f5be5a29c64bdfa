// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * report.c - the lines for people, and who else is told.
 *
 * What people read goes to the standard output; with --json, that is for the events, and the lines
 * go to standard error. The progress and the table always go there.
 */
#include "portmux/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "portmux/event.h"
#include "portmux/table.h"

enum {
	REPORT_LISTED_MAX = 16,        /* copies that have a line each when the run is ready */
	REPORT_PROGRESS_MIN = 8,       /* copies that are worth a progress */
	REPORT_PROGRESS_NS = 50000000, /* from one to the next */
	REPORT_LINE_MAX = 8192,
	REPORT_DEATH_MS = 10000, /* after the grace period, for the end of the run */
};

__attribute__((format(printf, 3, 4))) static void report_say(const struct report *report,
							     struct run *run, const char *fmt, ...)
{
	char line[REPORT_LINE_MAX];
	va_list args;
	int n;

	if (report->is_quiet)
		return;
	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (n >= (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (report->is_json)
		run_tell(run, line, (size_t)n);
	else
		run_write(run, line, (size_t)n);
}

/* ---- Progress, and the service manager ---- */

static void report_show_progress(const struct report *report, struct run *run)
{
	char line[64];

	if (report->is_quiet || report->is_json || report->plan->copies < REPORT_PROGRESS_MIN ||
	    !isatty(STDERR_FILENO))
		return;
	snprintf(line, sizeof(line), "starting: %u of %u copies are ready", report->ready,
		 report->plan->copies);
	run_show_status(run, line);
}

static void report_tell_status(struct report *report, struct run *run)
{
	uint64_t now = loop_now_ns();
	char status[64];

	if (report->is_ending || (report->told_ns && report->ready == report->told_ready) ||
	    (!report->is_serving && now - report->told_ns < REPORT_PROGRESS_NS))
		return;
	report->told_ns = now;
	report->told_ready = report->ready;
	snprintf(status, sizeof(status), "STATUS=%u of %u copies are ready", report->ready,
		 report->plan->copies);
	notify_send(&report->notify, status);
	if (!report->is_serving)
		report_show_progress(report, run);
}

/* A copy that takes its time keeps the service manager waiting; one that is no more does not. */
static void report_tell_ready(struct report *report)
{
	if (!report->is_serving || report->has_told_ready || report->ready == 0 ||
	    report->ready + report->ended < report->plan->copies)
		return;
	report->has_told_ready = true;
	notify_send(&report->notify, "READY=1");
}

static void report_on_settled(void *data, struct run *run)
{
	report_tell_ready(data);
	report_tell_status(data, run);
}

/* ---- Where the copies can be reached ---- */

/* "localhost:8081 -> 8080" */
static size_t report_format_mapping(const struct plan_port *port, unsigned int first,
				    unsigned int last, char *text, size_t size)
{
	char address[ADDRESS_TEXT_MAX] = "localhost", range[16] = "";
	bool is_ipv6 = port->address.family == AF_INET6;
	int n;

	if (port->address.family != AF_UNSPEC)
		address_format(&port->address, address);
	if (first != last)
		snprintf(range, sizeof(range), "-%u", plan_host_port(port, last));
	n = snprintf(text, size, "%s%s%s:%u%s -> %u%s", is_ipv6 ? "[" : "", address,
		     is_ipv6 ? "]" : "", plan_host_port(port, first), range, port->copy_port,
		     port->protocol == IPPROTO_UDP ? "/udp" : "");
	return n > 0 && (size_t)n < size ? (size_t)n : size - 1;
}

/* Of a single copy, a port for all is like any other. */
static bool report_is_for_all(const struct plan *plan, const struct plan_port *port)
{
	return port->is_shared && plan->copies > 1;
}

static void report_list_copy(const struct report *report, struct run *run, unsigned int number)
{
	const struct plan *plan = report->plan;
	char text[REPORT_LINE_MAX / 2] = "";
	size_t length = 0;

	for (size_t i = 0; i < plan->port_count && length + 64 < sizeof(text); i++) {
		if (report_is_for_all(plan, &plan->ports[i]))
			continue;
		if (length > 0)
			length += (size_t)snprintf(text + length, sizeof(text) - length, ", ");
		length += report_format_mapping(&plan->ports[i], number, number, text + length,
						sizeof(text) - length);
	}
	if (length || plan->port_count == 0)
		report_say(report, run, "copy %u: %s", number, length ? text : "no ports");
}

static void report_list_for_all(const struct report *report, struct run *run,
				const struct plan_port *port)
{
	const struct plan *plan = report->plan;
	char text[REPORT_LINE_MAX / 2];

	report_format_mapping(port, 1, port->is_shared ? 1 : plan->copies, text, sizeof(text));
	report_say(report, run, "copies 1-%u: %s", plan->copies, text);
}

static bool report_has_chosen_ports(const struct plan *plan)
{
	for (size_t i = 0; i < plan->port_count; i++)
		if (plan->ports[i].host_ports)
			return true;
	return false;
}

static void report_list(const struct report *report, struct run *run)
{
	const struct plan *plan = report->plan;

	bool has_lines = plan->copies <= REPORT_LISTED_MAX || report_has_chosen_ports(plan);

	for (size_t i = 0; i < plan->port_count; i++)
		if (!has_lines || report_is_for_all(plan, &plan->ports[i]))
			report_list_for_all(report, run, &plan->ports[i]);
	for (unsigned int number = 1; has_lines && number <= plan->copies; number++)
		report_list_copy(report, run, number);
	report_say(report, run, "their files: %s", plan->places);
	report_say(report, run, "Ctrl-C stops them.");
}

static void report_on_ready(struct report *report, struct run *run)
{
	report->is_serving = true;
	run_show_status(run, "");
	report_list(report, run);
}

/* ---- What the run tells ---- */

/* Without memory, a copy is not counted: the numbers are for people only. */
static void report_count(struct report *report, unsigned int number, enum life_state state)
{
	if (number >= report->size) {
		unsigned int size = 2 * number;
		enum life_state *grown =
			reallocarray(report->states, size, sizeof(*report->states));

		if (!grown)
			return;
		memset(grown + report->size, 0, (size - report->size) * sizeof(*grown));
		report->states = grown;
		report->size = size;
	}
	report->ready += (state == LIFE_READY) - (report->states[number] == LIFE_READY);
	report->states[number] = state;
}

static void report_on_change(void *data, struct run *run, unsigned int number,
			     enum life_state state)
{
	struct report *report = data;
	struct run_copy copy;

	if (number == 0) {
		report_on_ready(report, run);
		return;
	}
	report_count(report, number, state);
	if (!report->is_json)
		return;
	if (state == LIFE_STARTING && run_find_copy(run, number, &copy))
		event_copy(run, copy.restarts ? "restarted" : "started", &copy);
	else if (state == LIFE_READY)
		event_ready(run, number);
}

static void report_on_health(void *data, struct run *run, const struct run_copy *copy)
{
	const struct report *report = data;

	if (report->is_json)
		event_health(run, copy);
}

static void report_on_exit(void *data, struct run *run, const struct run_copy *copy)
{
	struct report *report = data;

	report_count(report, copy->number, LIFE_ENDED);
	report->ended += !copy->returns;
	if (report->is_json)
		event_copy(run, "exited", copy);
}

static void report_on_line(void *data, struct run *run, unsigned int number, const char *text,
			   size_t length)
{
	(void)data;
	event_output(run, number, text, length);
}

static void report_on_message(void *data, struct run *run, const char *line, size_t length)
{
	struct report *report = data;

	if (report->is_json)
		event_error(run, line, length);
}

static void report_on_query(void *data, struct run *run)
{
	(void)data;
	table_show(run);
}

static void report_on_ending(void *data, struct run *run)
{
	struct report *report = data;
	char message[96];

	report->is_ending = true;
	run_show_status(run, "");
	snprintf(message, sizeof(message),
		 "STOPPING=1\nEXTEND_TIMEOUT_USEC=%u000\nSTATUS=the copies are told to end",
		 plan_grace_ms(report->plan) + REPORT_DEATH_MS);
	notify_send(&report->notify, message);
}

static void report_on_over(void *data, struct run *run, int status)
{
	struct report *report = data;

	if (report->is_json)
		event_stopped(run, status);
}

void report_open(struct report *report)
{
	notify_open(&report->notify);
}

struct run_observer report_observer(struct report *report)
{
	return (struct run_observer){
		.on_change = report_on_change,
		.on_health = report_on_health,
		.on_exit = report_on_exit,
		.on_line = report->is_json ? report_on_line : NULL,
		.on_message = report_on_message,
		.on_settled = report_on_settled,
		.on_query = report_on_query,
		.on_ending = report_on_ending,
		.on_over = report_on_over,
		.data = report,
	};
}

void report_close(struct report *report)
{
	notify_close(&report->notify);
	free(report->states);
	report->states = NULL;
}
