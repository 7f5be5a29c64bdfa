// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan.c - the limits of a plan, and its texts.
 */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Room for the rest of the longest path below the places: "/1023/files/x.txt". */
enum { PLAN_PATH_ROOM = 64 };

unsigned int plan_grace_ms(const struct plan *plan)
{
	return plan->grace_ms ? plan->grace_ms : PLAN_GRACE_MS;
}

/* How many host ports there are. */
static unsigned int plan_count_ports(const struct plan *plan, const struct plan_port *port)
{
	return port->is_shared ? 1 : plan->copies;
}

uint16_t plan_host_port(const struct plan_port *port, unsigned int number)
{
	if (port->is_shared)
		return port->first_host_port;
	if (port->host_ports)
		return port->host_ports[number - 1];
	return (uint16_t)(port->first_host_port + number - 1);
}

const struct plan_port *plan_first_tcp_port(const struct plan *plan)
{
	for (size_t i = 0; i < plan->port_count; i++)
		if (plan->ports[i].protocol == IPPROTO_TCP)
			return &plan->ports[i];
	return NULL;
}

void plan_format_name(const struct plan *plan, unsigned int number, char *name)
{
	snprintf(name, PLAN_NAME_MAX, "%.40s-%u", plan->name ? plan->name : "copy", number);
}

void plan_format_url(const struct plan *plan, unsigned int number, char *url)
{
	const struct plan_port *port = plan->port_count ? plan->ports : NULL;
	bool is_bound = port && port->address.family != AF_UNSPEC;
	bool is_ipv6 = is_bound && port->address.family == AF_INET6;
	unsigned int host_port = port ? plan_host_port(port, number) : 0;
	char host[ADDRESS_TEXT_MAX] = "localhost";

	if (is_bound)
		address_format(&port->address, host);
	snprintf(url, PLAN_URL_MAX, "%.16s%s%s%s%s:%u%s", plan->scheme ? plan->scheme : "",
		 plan->scheme ? "://" : "", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", host_port,
		 plan->scheme ? "/" : "");
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

bool plan_is_below(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	return strncmp(path, directory, length) == 0 && (!path[length] || path[length] == '/');
}

static int plan_check_path(const char *path, const char *what)
{
	if (path[0] != '/' || strlen(path) + PLAN_PATH_ROOM > PATH_MAX)
		return error_say(-EINVAL, "%.64s: cannot be used as the %s", path, what);
	if (strpbrk(path, "\n"))
		return error_say(-EINVAL, "%s: a line break in the directory's name", path);
	return 0;
}

/* Every copy has its own directory at each of these paths. */
static const char *const PRIVATE[] = {"/tmp", "/var/tmp", "/run", "/dev", "/dev/shm"};

/* A copy works in its place, which it must be able to see. */
static int plan_check_private(const struct plan *plan)
{
	for (size_t i = 0; i < sizeof(PRIVATE) / sizeof(PRIVATE[0]); i++)
		if (plan_is_below(plan->places, PRIVATE[i]) &&
		    !plan_is_below(plan->places, plan->directory))
			return error_say(-EINVAL,
					 "%s: every copy has a %s of its own, which would hide its "
					 "files: use another directory (--state)",
					 plan->places, PRIVATE[i]);
	return 0;
}

static int plan_check_files(const struct plan *plan)
{
	if (plan->files == PLAN_PRIVATE)
		return plan_check_private(plan);
	if (strcmp(plan->directory, "/") == 0)
		return error_say(-EINVAL, "cannot run in / itself, of which the copies would "
					  "write every file: use a directory below it");
	if (plan->files == PLAN_OVERLAY && plan_is_below(plan->places, plan->directory))
		return error_say(-EINVAL,
				 "%s: lies in %s, over which the overlay is: "
				 "use another directory (--state)",
				 plan->places, plan->directory);
	return 0;
}

static int plan_check_directory(const struct plan *plan)
{
	const char *directory = plan->directory;
	int err = plan_check_path(directory, "project's directory");

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(PRIVATE) / sizeof(PRIVATE[0]); i++)
		if (strcmp(directory, PRIVATE[i]) == 0) /* the project would be hidden */
			return error_say(-EINVAL,
					 "cannot run in %s itself, every copy has its own: "
					 "use a directory below it",
					 directory);
	err = plan_check_path(plan->places, "copies' directory");
	return err ? err : plan_check_files(plan);
}

static bool plan_ports_overlap(const struct plan *plan, const struct plan_port *a,
			       const struct plan_port *b)
{
	if (a->protocol != b->protocol ||
	    (a->address.family != AF_UNSPEC && b->address.family != AF_UNSPEC &&
	     !address_is_equal(&a->address, &b->address)))
		return false;
	if (!a->host_ports && !b->host_ports)
		return a->first_host_port < b->first_host_port + plan_count_ports(plan, b) &&
		       b->first_host_port < a->first_host_port + plan_count_ports(plan, a);
	for (unsigned int i = 1; i <= plan_count_ports(plan, a); i++)
		for (unsigned int j = 1; j <= plan_count_ports(plan, b); j++)
			if (plan_host_port(a, i) == plan_host_port(b, j))
				return true;
	return false;
}

static int plan_check_port(const struct plan *plan, const struct plan_port *port)
{
	unsigned int first = plan_host_port(port, 1);
	unsigned int count = plan_count_ports(plan, port);

	if (port->copy_port == 0 || first == 0 ||
	    (!port->host_ports && first + count - 1 > UINT16_MAX))
		return error_say(
			-EINVAL,
			"%u host ports from %u on, to port %u: port numbers go from 1 to %d", count,
			first, port->copy_port, UINT16_MAX);
	for (const struct plan_port *other = plan->ports; other < port; other++)
		if (plan_ports_overlap(plan, port, other))
			return error_say(-EINVAL,
					 "%u host ports from %u on overlap with those from %u on: "
					 "a host port leads to one port",
					 count, first, plan_host_port(other, 1));
	return 0;
}

static int plan_check_health(const struct plan *plan)
{
	enum plan_health_kind kind = plan->health.kind;

	if ((kind != PLAN_HEALTH_HTTP && kind != PLAN_HEALTH_TCP) || plan_first_tcp_port(plan))
		return 0;
	return error_say(-EINVAL, "no TCP port is published at which the copies' health could be "
				  "checked (-p)");
}

int plan_check(const struct plan *plan)
{
	int err;

	if (plan->copies < 1 || plan->copies > PLAN_COPIES_MAX)
		return error_say(-EINVAL, "%u copies: from 1 to %d are possible", plan->copies,
				 PLAN_COPIES_MAX);
	for (size_t i = 0; i < plan->port_count; i++) {
		err = plan_check_port(plan, &plan->ports[i]);
		if (err)
			return err;
	}
	err = plan_check_health(plan);
	return err ? err : plan_check_directory(plan);
}
