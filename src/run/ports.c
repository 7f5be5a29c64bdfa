// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ports.c - a list of mappings.
 */
#include "run/ports.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"

/* Return: 0 or -EOPNOTSUPP, reported. */
static int ports_check_map(const struct nat *nat, const struct nat_port *port)
{
	if (nat_can_map(nat, port))
		return 0;
	return error_say(-EOPNOTSUPP,
			 "[::1]:%u: no answer would come back by [::1] while "
			 "net.bridge.bridge-nf-call-ip6tables is 1: use 127.0.0.1, or set it to 0",
			 port->number);
}

static int ports_append(struct ports *ports, struct mapping *mapping)
{
	struct mapping **grown =
		reallocarray(ports->mappings, ports->count + 1, sizeof(struct mapping *));

	if (!grown)
		return error_report(-ENOMEM, "port %u: cannot be mapped", mapping->port.number);
	ports->mappings = grown;
	ports->mappings[ports->count++] = mapping;
	return 0;
}

struct mapping *ports_find(const struct ports *ports, struct nat_port port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->mappings[i]->port.protocol == port.protocol &&
		    ports->mappings[i]->port.number == port.number &&
		    address_is_equal(&ports->mappings[i]->port.address, &port.address))
			return ports->mappings[i];
	return NULL;
}

int ports_add(struct ports *ports, struct nat_port port, uint16_t copy_port, unsigned int number,
	      struct mapping **ret)
{
	struct mapping *mapping;
	int err = ports->nat ? ports_check_map(ports->nat, &port) : 0;

	if (err)
		return err;
	if (ports_find(ports, port))
		return error_say(-EEXIST, "port %u: is mapped already", port.number);
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return error_report(-ENOMEM, "port %u: cannot be mapped", port.number);
	err = mapping_open(mapping, port, number, copy_port);
	if (!err)
		err = ports_append(ports, mapping);
	if (err) {
		mapping_close(mapping);
		free(mapping);
		return err;
	}
	if (ports->nat)
		mapping_install(mapping, ports->nat);
	ports->has_new = true;
	ports->has_fresh = ports->has_fresh || mapping->is_fresh;
	*ret = mapping;
	return 0;
}

struct mapping *ports_list(const struct ports *ports, unsigned int number)
{
	struct mapping *first = NULL, **last = &first;

	for (size_t i = 0; i < ports->count; i++) {
		if (ports->mappings[i]->copy != number)
			continue;
		*last = ports->mappings[i];
		last = &ports->mappings[i]->next;
	}
	*last = NULL;
	return first;
}

static struct flows_stale ports_stale(const struct mapping *mapping)
{
	return (struct flows_stale){.port = mapping->port, .to_port = mapping->copy_port};
}

/* Its flows lead to the copy until ports_end_flows(); without memory, until they end. */
static void ports_note_gone(struct ports *ports, const struct mapping *mapping)
{
	struct flows_stale *grown;

	if (!ports->nat || !mapping->has_backend || mapping->port.protocol != IPPROTO_UDP)
		return;
	grown = reallocarray(ports->gone, ports->gone_count + 1, sizeof(*grown));
	if (!grown)
		return;
	ports->gone = grown;
	grown += ports->gone_count++;
	*grown = ports_stale(mapping);
	grown->to = mapping->backend.to;
	grown->to6 = mapping->backend.to6;
}

void ports_remove(struct ports *ports, struct mapping *mapping)
{
	size_t i = 0;

	while (ports->mappings[i] != mapping)
		i++;
	ports->count--;
	for (; i < ports->count; i++)
		ports->mappings[i] = ports->mappings[i + 1];
	ports_note_gone(ports, mapping);
	mapping_close(mapping);
	free(mapping);
}

int ports_check(const struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		int err = mapping_check(ports->mappings[i]);

		if (err)
			return err;
	}
	return 0;
}

int ports_install(struct ports *ports, struct nat *nat)
{
	for (size_t i = 0; i < ports->count; i++) {
		int err = ports_check_map(nat, &ports->mappings[i]->port);

		if (err)
			return err;
	}
	ports->nat = nat;
	for (size_t i = 0; i < ports->count; i++)
		mapping_install(ports->mappings[i], nat);
	return 0;
}

int ports_hold(struct ports *ports, struct mapping **ret_lost)
{
	for (size_t i = 0; ports->has_new && i < ports->count; i++) {
		int err = mapping_hold(ports->mappings[i]);

		if (err) {
			*ret_lost = ports->mappings[i];
			return err;
		}
	}
	ports->has_new = false;
	return 0;
}

static bool ports_are_due(const struct ports *ports)
{
	if (ports->gone_count)
		return true;
	for (size_t i = 0; ports->has_fresh && i < ports->count; i++)
		if (ports->mappings[i]->is_fresh && ports->mappings[i]->is_published)
			return true;
	return false;
}

int ports_end_flows(struct ports *ports, struct netlink *route)
{
	struct flows_stale *stale;
	size_t count = ports->gone_count;
	int err;

	if (!ports_are_due(ports))
		return 0;
	stale = reallocarray(ports->gone, count + ports->count, sizeof(*stale));
	if (!stale)
		return error_report(-ENOMEM, "cannot end UDP flows of before");
	for (size_t i = 0; i < ports->count; i++) {
		if (ports->mappings[i]->is_fresh)
			stale[count++] = ports_stale(ports->mappings[i]);
		ports->mappings[i]->is_fresh = false;
	}
	err = flows_end(&ports->nat->nl, route, stale, count);
	free(ports->again);
	ports->again = stale;
	ports->again_count = count;
	ports->gone = NULL;
	ports->gone_count = 0;
	ports->has_fresh = false;
	return err;
}

int ports_end_flows_again(struct ports *ports, struct netlink *route)
{
	struct flows_stale *stale = ports->again;
	size_t count = 0;
	int err = 0;

	/* What is not ours any more can be another program's by now. */
	for (size_t i = 0; ports->nat && i < ports->again_count; i++)
		if (flows_are_led(&stale[i]) || ports_find(ports, stale[i].port))
			stale[count++] = stale[i];
	if (count)
		err = flows_end(&ports->nat->nl, route, stale, count);
	free(stale);
	ports->again = NULL;
	ports->again_count = 0;
	return err;
}

bool ports_wait_for_gate(const struct ports *ports, const struct gate *gate)
{
	for (size_t i = 0; gate->pidfd >= 0 && i < ports->count; i++)
		if (ports->mappings[i]->has_ipv6 && !ports->mappings[i]->is_let_in)
			return true; /* it did not take the request: look_let_in() asks again */
	return gate_is_busy(gate);
}

void ports_release(struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		ports->mappings[i]->nat = NULL;
		mapping_close(ports->mappings[i]);
		free(ports->mappings[i]);
	}
	free(ports->mappings);
	free(ports->gone);
	free(ports->again);
	*ports = (struct ports){0};
}
