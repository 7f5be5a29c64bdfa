// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * survey.c - copies and mappings as a front door sees them, with what the kernel has counted.
 */
#include "run/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/counters.h"
#include "run/drain.h"

/* ---- To tell ---- */

static void survey_on_line(void *data, unsigned int number, const char *text, size_t length)
{
	struct run *run = data;

	RUN_TELL(run, on_line, number, text, length);
}

static void survey_on_output(void *data, unsigned int number, const char *text, size_t length)
{
	struct run *run = data;

	RUN_TELL(run, on_output, number, text, length);
}

static void survey_on_message(void *data, const char *line, size_t length)
{
	struct run *run = data;

	RUN_TELL(run, on_message, line, length);
}

void survey_watch_console(struct run *run)
{
	struct console *console = &run->console;

	console->out.data = run;
	console->on_message = survey_on_message;
	for (size_t i = 0; i < run->observer_count; i++) {
		if (run->observers[i].on_line)
			console->out.on_line = survey_on_line;
		if (run->observers[i].on_output)
			console->out.on_output = survey_on_output;
	}
}

void run_print(struct run *run, const char *line)
{
	output_print(&run->console.out, "%s", line);
}

void run_write(struct run *run, const char *text, size_t length)
{
	stream_add(&run->console.out.stream, text, length);
}

void run_tell(struct run *run, const char *text, size_t length)
{
	stream_add(&run->console.err, text, length);
}

void run_show_status(struct run *run, const char *text)
{
	console_set_status(&run->console, text);
}

/* ---- To ask ---- */

static struct run_copy survey_copy(const struct copy *copy)
{
	return (struct run_copy){
		.number = copy->number,
		.state = copy->state,
		.health = copy->health ? copy->health->state : HEALTH_UNASKED,
		.health_why = copy->health ? copy->health->why : "",
		.pid = copy->container.pidfd >= 0 ? copy->container.pid : 0,
		.started_ns = copy->started_ns,
		.restarts = copy->restarts,
		.draining = copy->draining,
		.returns = copy->returns_ns != 0,
		.has_status = copy->has_status,
		.status = copy->status,
		.open = copy->open,
		.connections = copy->connections,
		.received = copy->received,
		.sent = copy->sent,
	};
}

void survey_tell_exit(struct run *run, const struct copy *copy)
{
	const struct run_copy seen = survey_copy(copy);

	RUN_TELL(run, on_exit, &seen);
}

void survey_tell_health(struct run *run, const struct copy *copy)
{
	const struct run_copy seen = survey_copy(copy);

	RUN_TELL(run, on_health, &seen);
}

void run_each_copy(const struct run *run, void (*each)(void *data, const struct run_copy *copy),
		   void *data)
{
	for (const struct copy *copy = run->crew.first; copy; copy = copy->next) {
		const struct run_copy seen = survey_copy(copy);

		each(data, &seen);
	}
}

bool run_find_copy(const struct run *run, unsigned int number, struct run_copy *ret)
{
	const struct copy *copy = crew_find(&run->crew, number);

	if (copy)
		*ret = survey_copy(copy);
	return copy;
}

void run_each_mapping(const struct run *run, unsigned int number,
		      void (*each)(void *data, const struct run_mapping *mapping), void *data)
{
	const struct ports *ports = &run->crew.ports;

	for (size_t i = 0; i < ports->count; i++) {
		const struct mapping *mapping = ports->mappings[i];
		const struct run_mapping seen = {
			.protocol = mapping->port.protocol,
			.address = mapping->port.address,
			.host_port = mapping->port.number,
			.copy_port = mapping->copy_port,
			.is_shared = mapping->share,
		};

		if (mapping->copy == number)
			each(data, &seen);
	}
}

/* ---- What the kernel has counted ---- */

/* @name: "copy-12" or "copy-12-udp-53"; of a link: "portmux0-12". Return: NULL: it is no copy's. */
static struct copy *survey_find(struct run *run, const char *name, const char *prefix)
{
	size_t length = strlen(prefix);
	unsigned long number;

	if (strncmp(name, prefix, length) != 0 || name[length] != '-')
		return NULL;
	number = strtoul(name + length + 1, NULL, 10);
	return number <= PLAN_COPIES_MAX ? crew_find(&run->crew, (unsigned int)number) : NULL;
}

static void survey_on_rule(void *data, const char *chain, uint64_t packets)
{
	struct copy *copy = survey_find(data, chain, "copy");

	if (copy)
		copy->connections += packets;
}

/* What the bridge receives by the link, the copy has sent. */
static void survey_on_link(void *data, const char *link, uint64_t received, uint64_t sent)
{
	struct run *run = data;
	struct copy *copy = survey_find(run, link, run->network.bridge.name);

	if (!copy)
		return;
	copy->received = sent;
	copy->sent = received;
}

/* What cannot be counted now is 0. */
static void survey_reset(struct copy *copy)
{
	int open = drain_count(copy);

	copy->open = open > 0 ? (unsigned int)open : 0;
	copy->connections = copy->received = copy->sent = 0;
}

int run_count(struct run *run)
{
	struct network *network = &run->network;
	int err;

	if (!run->is_installed)
		return 0;
	for (struct copy *copy = run->crew.first; copy; copy = copy->next)
		survey_reset(copy);
	err = counters_read_rules(&network->nat.nl, network->table, survey_on_rule, run);
	if (!err)
		err = counters_read_links(&network->route, network->bridge.index, survey_on_link,
					  run);
	return err ? error_report(err, "cannot read the counters") : 0;
}
