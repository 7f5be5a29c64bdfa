// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * describe.c - what is known of a copy, and of its mappings.
 */
#include "portmux/describe.h"

#include <sys/wait.h>

#include "base/loop.h"

static const char *const STATES[LIFE_STATES] = {
	[LIFE_ENDED] = "ended",   [LIFE_PREPARING] = "preparing", [LIFE_STARTING] = "starting",
	[LIFE_READY] = "ready",   [LIFE_NOT_READY] = "not ready", [LIFE_DRAINING] = "draining",
	[LIFE_ENDING] = "ending", [LIFE_KILLED] = "killed",
};

static const char *const HEALTHS[] = {
	[HEALTH_UNASKED] = "",
	[HEALTH_UNKNOWN] = "unknown",
	[HEALTH_HEALTHY] = "healthy",
	[HEALTH_UNHEALTHY] = "unhealthy",
};

void describe_mapping(json_t *object, const struct run_mapping *mapping)
{
	char address[ADDRESS_TEXT_MAX];

	if (mapping->address.family != AF_UNSPEC)
		json_object_set_new(object, "address",
				    json_string(address_format(&mapping->address, address)));
	json_object_set_new(object, "host_port", json_integer(mapping->host_port));
	json_object_set_new(object, "port", json_integer(mapping->copy_port));
	json_object_set_new(object, "protocol",
			    json_string(mapping->protocol == IPPROTO_UDP ? "udp" : "tcp"));
}

static void describe_each_mapping(void *data, const struct run_mapping *mapping)
{
	json_t *object = json_object();

	describe_mapping(object, mapping);
	json_array_append_new(data, object);
}

/* How a copy runs, or how it has ended. */
static void describe_process(json_t *object, const struct run_copy *copy)
{
	if (copy->pid) {
		json_object_set_new(object, "pid", json_integer(copy->pid));
		json_object_set_new(object, "uptime",
				    json_real((double)(loop_now_ns() - copy->started_ns) / 1e9));
	} else if (copy->has_status && WIFEXITED(copy->status)) {
		json_object_set_new(object, "status", json_integer(WEXITSTATUS(copy->status)));
	} else if (copy->has_status && WIFSIGNALED(copy->status)) {
		json_object_set_new(object, "signal", json_integer(WTERMSIG(copy->status)));
	}
}

json_t *describe_copy(struct run *run, const struct run_copy *copy)
{
	json_t *object = json_object(), *mappings = json_array();

	json_object_set_new(object, "copy", json_integer(copy->number));
	json_object_set_new(object, "state",
			    json_string(copy->returns ? "starts again" : STATES[copy->state]));
	if (copy->health != HEALTH_UNASKED)
		json_object_set_new(object, "health", json_string(HEALTHS[copy->health]));
	if (*copy->health_why)
		json_object_set_new(object, "health_text", json_string(copy->health_why));
	run_each_mapping(run, copy->number, describe_each_mapping, mappings);
	json_object_set_new(object, "mappings", mappings);
	describe_process(object, copy);
	json_object_set_new(object, "restarts", json_integer(copy->restarts));
	json_object_set_new(object, "open", json_integer(copy->open));
	json_object_set_new(object, "connections", json_integer((json_int_t)copy->connections));
	json_object_set_new(object, "received", json_integer((json_int_t)copy->received));
	json_object_set_new(object, "sent", json_integer((json_int_t)copy->sent));
	return object;
}
