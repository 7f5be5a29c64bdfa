// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fleet.c - a list of ports, and what follows from it for each copy.
 */
#include "portmux/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "portmux/rollout.h"

/* ---- What is said ---- */

static void fleet_on_message(void *data, struct run *run, const char *line, size_t length)
{
	struct fleet *fleet = data;
	const char *colon = memchr(line, ':', length);
	size_t start = colon ? (size_t)(colon - line) + 2 : 0;

	(void)run;
	if (!fleet->listens || fleet->said[0] || start >= length)
		return;
	length -= start + (line[length - 1] == '\n');
	if (length >= sizeof(fleet->said))
		length = sizeof(fleet->said) - 1;
	memcpy(fleet->said, line + start, length);
	fleet->said[length] = '\0';
}

void fleet_listen(struct fleet *fleet)
{
	fleet->listens = true;
	fleet->said[0] = '\0';
}

const char *fleet_said(struct fleet *fleet, const char *otherwise)
{
	fleet->listens = false;
	return fleet->said[0] ? fleet->said : otherwise;
}

/* ---- Ports ---- */

static struct nat_port fleet_port(const struct plan_port *port, unsigned int number)
{
	return (struct nat_port){port->protocol, plan_host_port(port, number), port->address};
}

bool fleet_is_shared(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->port_count; i++)
		if (!fleet->ports[i].is_shared)
			return false;
	return fleet->port_count > 0;
}

/* Has copy @number a host port of its own by @port, or would it have? */
static bool fleet_covers(const struct fleet *fleet, const struct plan_port *port,
			 unsigned int number)
{
	if (port->is_shared)
		return false;
	return port->host_ports ? number <= fleet->plan->copies
				: port->first_host_port + number - 1 <= port->last_host_port;
}

int fleet_can_have(const struct fleet *fleet, unsigned int number)
{
	for (size_t i = 0; i < fleet->port_count; i++) {
		const struct plan_port *port = &fleet->ports[i];

		if (port->is_shared || fleet_covers(fleet, port, number))
			continue;
		if (port->host_ports)
			return error_say(-EINVAL,
					 "port %u: free host ports were chosen for %u copies: give "
					 "a range",
					 port->copy_port, fleet->plan->copies);
		return error_say(-EINVAL, "%u-%u:%u: no host port for copy %u",
				 port->first_host_port, port->last_host_port, port->copy_port,
				 number);
	}
	return 0;
}

struct fleet_search {
	struct nat_port port;
	bool is_shared;
	bool is_found;
};

static void fleet_on_mapping(void *data, const struct run_mapping *mapping)
{
	struct fleet_search *search = data;

	if (mapping->is_shared == search->is_shared && mapping->protocol == search->port.protocol &&
	    mapping->host_port == search->port.number &&
	    address_is_equal(&mapping->address, &search->port.address))
		search->is_found = true;
}

/* To copy @number; @wanted->is_shared: to all copies. */
static bool fleet_has_mapping(const struct fleet *fleet, const struct plan_port *wanted,
			      unsigned int number)
{
	struct fleet_search search = {.port = fleet_port(wanted, number),
				      .is_shared = wanted->is_shared};

	run_each_mapping(fleet->run, wanted->is_shared ? 0 : number, fleet_on_mapping, &search);
	return search.is_found;
}

/* Maps a port to copy @number alone. Return: 0 or -errno, reported. */
static int fleet_map(struct fleet *fleet, const struct plan_port *port, unsigned int number)
{
	const struct nat_port host_port = fleet_port(port, number);

	if (port->is_shared || fleet_has_mapping(fleet, port, number))
		return 0;
	return run_add_mapping(fleet->run, &host_port, port->copy_port, number);
}

/* If it is mapped by @port: the same host port can be another one's. */
static void fleet_unmap(struct fleet *fleet, const struct plan_port *port, unsigned int number)
{
	const struct nat_port host_port = fleet_port(port, number);

	if (fleet_has_mapping(fleet, port, number))
		run_remove_mapping(fleet->run, &host_port);
}

void fleet_give_up_ports(struct fleet *fleet, unsigned int number)
{
	for (size_t i = 0; i < fleet->port_count; i++)
		if (fleet_covers(fleet, &fleet->ports[i], number))
			fleet_unmap(fleet, &fleet->ports[i], number);
}

unsigned int fleet_add_copy(struct fleet *fleet)
{
	unsigned int number = run_next_number(fleet->run);
	int err = fleet_can_have(fleet, number);

	for (size_t i = 0; !err && i < fleet->port_count; i++)
		err = fleet_map(fleet, &fleet->ports[i], number);
	if (err || run_add_copy(fleet->run) == 0) {
		fleet_give_up_ports(fleet, number);
		return 0;
	}
	return number;
}

/* ---- To publish ---- */

static bool fleet_is_same(const struct plan_port *a, const struct plan_port *b)
{
	return a->protocol == b->protocol && a->copy_port == b->copy_port &&
	       a->is_shared == b->is_shared && a->first_host_port == b->first_host_port &&
	       (a->is_shared || a->last_host_port == b->last_host_port) &&
	       address_is_equal(&a->address, &b->address);
}

/* The port of each copy that there is. Return: 0 or -errno, reported. */
static int fleet_map_all(struct fleet *fleet, const struct plan_port *port)
{
	for (unsigned int number = 1; number <= run_last_number(fleet->run); number++) {
		const struct nat_port host_port = fleet_port(port, number);
		struct run_copy copy;
		int err = 0;

		if (run_find_copy(fleet->run, number, &copy))
			err = run_add_mapping(fleet->run, &host_port, port->copy_port, number);
		if (err) {
			while (--number > 0)
				fleet_unmap(fleet, port, number);
			return err;
		}
	}
	return 0;
}

int fleet_publish(struct fleet *fleet, const struct publish *publish)
{
	const struct plan_port port = publish_to_plan(publish);
	const struct nat_port host_port = fleet_port(&port, 1);
	struct plan_port *grown = reallocarray(fleet->ports, fleet->port_count + 1, sizeof(*grown));
	int err;

	if (!grown)
		return error_report(-ENOMEM, "port %u: cannot be published", port.first_host_port);
	fleet->ports = grown;
	if (!port.first_host_port)
		return error_say(-EINVAL,
				 "port %u: give the host port: free ones are chosen at the start "
				 "of a run",
				 port.copy_port);
	grown[fleet->port_count++] = port;
	err = fleet_can_have(fleet, run_last_number(fleet->run));
	if (!err && port.is_shared)
		err = run_share_port(fleet->run, &host_port, port.copy_port);
	else if (!err)
		err = fleet_map_all(fleet, &port);
	fleet->port_count -= err != 0;
	return err;
}

int fleet_unpublish(struct fleet *fleet, const struct publish *publish)
{
	const struct plan_port wanted = publish_to_plan(publish);
	struct plan_port port;
	size_t i = 0;

	while (i < fleet->port_count && !fleet_is_same(&fleet->ports[i], &wanted))
		i++;
	if (i == fleet->port_count)
		return error_say(-ENOENT, "there is no such mapping");
	port = fleet->ports[i];
	if (port.is_shared)
		fleet_unmap(fleet, &port, 1);
	for (unsigned int number = 1; number <= PLAN_COPIES_MAX; number++)
		if (fleet_covers(fleet, &port, number))
			fleet_unmap(fleet, &port, number);
	for (fleet->port_count--; i < fleet->port_count; i++)
		fleet->ports[i] = fleet->ports[i + 1];
	return 0;
}

bool fleet_publishes(const struct fleet *fleet, const struct publish *publish)
{
	const struct plan_port port = publish_to_plan(publish);

	for (unsigned int number = 1; number <= run_last_number(fleet->run); number++) {
		struct run_copy copy;

		if (run_find_copy(fleet->run, number, &copy) &&
		    !fleet_has_mapping(fleet, &port, number))
			return false;
	}
	return true;
}

/* ---- From beginning to end ---- */

void fleet_free_command(char **command)
{
	for (size_t i = 0; command && command[i]; i++)
		free(command[i]);
	free(command);
}

char **fleet_swap_command(struct fleet *fleet, char **command)
{
	char **before = fleet->command;

	run_set_command(fleet->run, command ? command : fleet->plan->argv);
	fleet->command = command;
	return before;
}

void fleet_set_command(struct fleet *fleet, char **command)
{
	fleet_free_command(fleet_swap_command(fleet, command));
}

static void fleet_on_settled(void *data, struct run *run)
{
	struct fleet *fleet = data;

	(void)run;
	if (fleet->rollout)
		rollout_look(fleet->rollout);
}

int fleet_open(struct fleet *fleet, const struct plan *plan, struct run *run)
{
	const struct run_observer observer = {
		.on_message = fleet_on_message, .on_settled = fleet_on_settled, .data = fleet};

	*fleet = (struct fleet){.plan = plan, .run = run, .port_count = plan->port_count};
	fleet->ports = calloc(plan->port_count + 1, sizeof(*fleet->ports));
	if (!fleet->ports) {
		fleet->port_count = 0;
		return error_report(-ENOMEM, "cannot begin the run");
	}
	if (plan->port_count)
		memcpy(fleet->ports, plan->ports, plan->port_count * sizeof(*fleet->ports));
	run_observe(run, &observer);
	return 0;
}

void fleet_close(struct fleet *fleet)
{
	rollout_free(fleet->rollout);
	fleet->rollout = NULL;
	free(fleet->ports);
	fleet->ports = NULL;
	fleet_free_command(fleet->command);
	fleet->command = NULL;
}
