// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ports.c - a list of mappings.
 */
#include "run/ports.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/pool.h"

static struct pool ports_pool = POOL_OF(struct mapping);

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
		if (mapping_holds_port(ports->mappings[i]) &&
		    ports->mappings[i]->port.protocol == port.protocol &&
		    ports->mappings[i]->port.number == port.number &&
		    address_is_equal(&ports->mappings[i]->port.address, &port.address))
			return ports->mappings[i];
	return NULL;
}

/* How many shares there are of that port's number, with one more. */
static unsigned int ports_order(const struct ports *ports, const struct nat_port *port)
{
	unsigned int order = 1;

	for (size_t i = 0; i < ports->count; i++)
		order += ports->mappings[i]->share && ports->mappings[i]->copy == 0 &&
			 ports->mappings[i]->port.protocol == port->protocol &&
			 ports->mappings[i]->port.number == port->number;
	return order;
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
	mapping = pool_take(&ports_pool);
	if (!mapping)
		return error_report(-ENOMEM, "port %u: cannot be mapped", port.number);
	err = mapping_open(mapping, port, number, copy_port);
	if (!err)
		err = ports_append(ports, mapping);
	if (err) {
		mapping_close(mapping);
		pool_give(&ports_pool, mapping);
		return err;
	}
	if (ports->nat)
		mapping_install(mapping, ports->nat);
	ports->has_new = true;
	ports->has_fresh = ports->has_fresh || mapping->is_fresh;
	*ret = mapping;
	return 0;
}

int ports_add_shared(struct ports *ports, struct nat_port port, uint16_t copy_port,
		     enum plan_balance balance, unsigned int copies, struct mapping **ret)
{
	unsigned int order = ports_order(ports, &port);
	struct mapping *head = NULL;
	int err = ports_add(ports, port, copy_port, 0, &head);

	if (!head)
		return err;
	head->share = share_new(head, balance, copies, order);
	if (!head->share) {
		ports_remove(ports, head);
		return -ENOMEM;
	}
	if (ports->nat)
		share_install(head->share);
	*ret = head;
	return 0;
}

int ports_join(struct ports *ports, const struct mapping *head, unsigned int number,
	       struct mapping **ret)
{
	struct mapping *mapping = pool_take(&ports_pool);
	int err;

	if (!mapping)
		return error_report(-ENOMEM, "port %u: cannot be mapped", head->port.number);
	mapping_join(mapping, head, number);
	err = ports_append(ports, mapping);
	if (err) {
		pool_give(&ports_pool, mapping);
		return err;
	}
	*ret = mapping;
	return 0;
}

static bool ports_have_member(const struct ports *ports, const struct share *share,
			      unsigned int number)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->mappings[i]->share == share && ports->mappings[i]->copy == number)
			return true;
	return false;
}

int ports_join_all(struct ports *ports, unsigned int number)
{
	size_t count = ports->count;
	struct mapping *member;

	for (size_t i = 0; i < count; i++) {
		const struct mapping *head = ports->mappings[i];
		int err;

		if (!head->share || head->copy != 0 ||
		    ports_have_member(ports, head->share, number))
			continue;
		err = ports_join(ports, head, number, &member);
		if (err)
			return err;
	}
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

bool ports_settle(struct ports *ports)
{
	bool is_rough = false;

	for (size_t i = 0; i < ports->count; i++) {
		struct mapping *mapping = ports->mappings[i];

		if (mapping->has_led) {
			ports_note_gone(ports, mapping);
			mapping->has_led = false; /* written to only where it has to be: share.c */
		}
		if (mapping->share && mapping->copy == 0)
			is_rough = share_settle(mapping->share) || is_rough;
	}
	return is_rough;
}

void ports_smooth(struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->mappings[i]->share && ports->mappings[i]->copy == 0)
			share_smooth(ports->mappings[i]->share);
}

void ports_remove(struct ports *ports, struct mapping *mapping)
{
	struct share *share = mapping->copy == 0 ? mapping->share : NULL;
	size_t i = 0;

	while (ports->mappings[i] != mapping)
		i++;
	ports->count--;
	for (; i < ports->count; i++)
		ports->mappings[i] = ports->mappings[i + 1];
	ports_note_gone(ports, mapping);
	if (share && mapping->nat)
		share_uninstall(share);
	mapping_close(mapping);
	pool_give(&ports_pool, mapping);
	share_free(share);
}

int ports_check(const struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		int err = mapping_holds_port(ports->mappings[i]) ? mapping_check(ports->mappings[i])
								 : 0;

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
	for (size_t i = 0; i < ports->count; i++) {
		struct mapping *mapping = ports->mappings[i];

		mapping_install(mapping, nat);
		if (mapping->share && mapping->copy == 0)
			share_install(mapping->share);
	}
	return 0;
}

int ports_hold(struct ports *ports, struct mapping **ret_lost)
{
	for (size_t i = 0; ports->has_new && i < ports->count; i++) {
		int err = mapping_holds_port(ports->mappings[i]) ? mapping_hold(ports->mappings[i])
								 : 0;

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
		if (ports->mappings[i]->has_ipv6 && !mapping_holder(ports->mappings[i])->is_let_in)
			return true; /* it did not take the request: look_let_in() asks again */
	return gate_is_busy(gate);
}

void ports_release(struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		struct mapping *mapping = ports->mappings[i];

		if (mapping->share && mapping->copy == 0)
			share_free(mapping->share);
		mapping->nat = NULL;
		mapping->is_published = false;
		mapping_close(mapping);
		pool_give(&ports_pool, mapping);
	}
	free(ports->mappings);
	free(ports->gone);
	free(ports->again);
	*ports = (struct ports){0};
}
