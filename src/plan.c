// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan.c - the limits of a plan, and its texts.
 */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Room for the rest of the longest path below the directory: "/copies/1023/files/x.txt". */
enum { PLAN_PATH_ROOM = 64 };

uint16_t plan_host_port(const struct plan_port *port, unsigned int number)
{
	return (uint16_t)(port->first_host_port + number - 1);
}

void plan_format_url(const struct plan *plan, unsigned int number, char *url)
{
	unsigned int port = plan->port_count ? plan_host_port(&plan->ports[0], number) : 0;

	if (plan->scheme)
		snprintf(url, PLAN_URL_MAX, "%.16s://localhost:%u/", plan->scheme, port);
	else
		snprintf(url, PLAN_URL_MAX, "localhost:%u", port);
}

void plan_expand(const struct plan *plan, const char *text, unsigned int number, char *expanded)
{
	char copy[16], url[PLAN_URL_MAX];
	const struct {
		const char *name, *value;
	} known[] = {{"{copy}", copy}, {"{url}", url}};
	size_t length = 0;

	snprintf(copy, sizeof(copy), "%u", number);
	plan_format_url(plan, number, url);
	while (*text && length + 1 < PLAN_TEXT_MAX) {
		const char *value = NULL;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !value; i++) {
			size_t name = strlen(known[i].name);

			if (strncmp(text, known[i].name, name) != 0)
				continue;
			value = known[i].value;
			text += name;
		}
		if (!value) {
			expanded[length++] = *text++;
			continue;
		}
		length += (size_t)snprintf(expanded + length, PLAN_TEXT_MAX - length, "%s", value);
		if (length >= PLAN_TEXT_MAX)
			length = PLAN_TEXT_MAX - 1;
	}
	expanded[length] = '\0';
}

/* Every copy has its own directory at each of these paths, which would hide the project. */
static int plan_check_directory(const struct plan *plan)
{
	static const char *const private[] = {"/tmp", "/var/tmp", "/run", "/dev", "/dev/shm"};
	const char *directory = plan->directory;

	if (directory[0] != '/' ||
	    strlen(directory) + strlen(plan->places) + PLAN_PATH_ROOM > PATH_MAX)
		return error_say(-EINVAL, "%.64s: cannot be used as the project's directory",
				 directory);
	if (strpbrk(directory, "\n"))
		return error_say(-EINVAL, "%s: a line break in the directory's name", directory);
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (strcmp(directory, private[i]) == 0)
			return error_say(-EINVAL,
					 "cannot run in %s itself, every copy has its own: "
					 "use a directory below it",
					 directory);
	return 0;
}

static int plan_check_port(const struct plan *plan, const struct plan_port *port)
{
	if (port->copy_port == 0 || port->first_host_port == 0 ||
	    port->first_host_port + plan->copies - 1 > UINT16_MAX)
		return error_say(
			-EINVAL,
			"%u host ports from %u on, to port %u: port numbers go from 1 to %d",
			plan->copies, port->first_host_port, port->copy_port, UINT16_MAX);
	for (const struct plan_port *other = plan->ports; other < port; other++) {
		unsigned int distance = other->first_host_port > port->first_host_port
						? other->first_host_port - port->first_host_port
						: port->first_host_port - other->first_host_port;

		if (other->protocol == port->protocol && distance < plan->copies)
			return error_say(-EINVAL,
					 "%u host ports from %u on overlap with those from %u on: "
					 "a host port can lead to one copy only",
					 plan->copies, other->first_host_port,
					 port->first_host_port);
	}
	return 0;
}

int plan_check(const struct plan *plan)
{
	if (plan->copies < 1 || plan->copies > PLAN_COPIES_MAX)
		return error_say(-EINVAL, "%u copies: from 1 to %d are possible", plan->copies,
				 PLAN_COPIES_MAX);
	for (size_t i = 0; i < plan->port_count; i++) {
		int err = plan_check_port(plan, &plan->ports[i]);

		if (err)
			return err;
	}
	return plan_check_directory(plan);
}
