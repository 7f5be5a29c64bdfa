// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drain.c - counts a copy's TCP connections. UDP flows have been led to other copies by then.
 */
#include "run/drain.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "net/diag.h"

enum {
	DRAIN_FIRST_MS = 20, /* for a connection that was under way when the rules changed */
	DRAIN_LOOK_MS = 100,
};

void drain_begin(struct copy *copy)
{
	const char *run = copy->setting->plan->name;
	char comment[PLAN_NAME_MAX + 16];

	snprintf(comment, sizeof(comment), "%s%scopy %u", run ? run : "", run ? ", " : "",
		 copy->number);
	copy->draining = 0;
	copy->is_listed = true;
	copy->has_told_draining = false;
	nat_list_draining(&copy->setting->network->nat, &copy->attachment.address, comment);
	loop_set_timer(copy->setting->loop, &copy->look, DRAIN_FIRST_MS);
}

int drain_count(struct copy *copy)
{
	size_t count = 0;
	uint16_t *ports;
	int found = 0;

	for (struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next)
		count++;
	ports = calloc(count + 1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	count = 0;
	for (struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next)
		if (mapping->port.protocol == IPPROTO_TCP)
			ports[count++] = mapping->copy_port;
	if (count && copy->diag.socket)
		found = diag_count_connections(&copy->diag, ports, count);
	free(ports);
	return found;
}

void drain_look(struct copy *copy)
{
	int count = drain_count(copy);

	if (count == 0) {
		copy->draining = 0;
		copy_step(copy, LIFE_DRAINED);
		return;
	}
	if (count > 0)
		copy->draining = (unsigned int)count;
	if (count > 0 && !copy->has_told_draining) {
		copy->has_told_draining = true;
		error_say(0, "copy %u: gets no new connections; waiting up to %g s for %d to end",
			  copy->number, copy->setting->plan->drain_ms / 1000.0, count);
	}
	loop_set_timer(copy->setting->loop, &copy->look, DRAIN_LOOK_MS);
}

void drain_end(struct copy *copy)
{
	if (copy->is_listed)
		nat_unlist_draining(&copy->setting->network->nat, &copy->attachment.address);
	copy->is_listed = false;
	copy->draining = 0;
}

void drain_tell_late(const struct copy *copy)
{
	if (copy->draining)
		error_say(0, "copy %u: connections that have not ended in %g s: %u", copy->number,
			  copy->setting->plan->drain_ms / 1000.0, copy->draining);
}
