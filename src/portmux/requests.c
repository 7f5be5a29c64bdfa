// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * requests.c - the table.
 */
#include "portmux/requests.h"

#include <string.h>

static const struct {
	const char *command;
	void (*begin)(struct request *request);
} REQUESTS[] = {
	{"ps", request_ps},           {"logs", request_logs},
	{"stop", request_stop},       {"kill", request_kill},
	{"scale", request_scale},     {"restart", request_restart},
	{"publish", request_publish}, {"unpublish", request_unpublish},
	{"exec", request_exec},
};

void (*requests_find(const char *command))(struct request *request)
{
	for (size_t i = 0; i < sizeof(REQUESTS) / sizeof(REQUESTS[0]); i++)
		if (strcmp(command, REQUESTS[i].command) == 0)
			return REQUESTS[i].begin;
	return NULL;
}
