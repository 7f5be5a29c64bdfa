// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flows.c - finds stale flows among all UDP flows that the kernel lists.
 */
#include "net/flows.h"

#include <stdlib.h>
#include <string.h>

#include "net/route.h"

struct flows_search {
	struct netlink *route;
	const struct flows_stale *stale; /* by their ports */
	size_t count;
	struct address asked; /* the last address that route_is_local() was asked about */
	bool asked_is_local;
};

/* Prefixes do not matter. */
static bool flows_is_same(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->family != AF_UNSPEC &&
	       memcmp(a->bytes, b->bytes, address_length(a)) == 0;
}

static bool flows_is_from(const struct conntrack_way *way, const struct address *address,
			  uint16_t port)
{
	return way->from.port == port && flows_is_same(&way->from.address, address);
}

bool flows_are_led(const struct flows_stale *stale)
{
	return stale->to.family != AF_UNSPEC || stale->to6.family != AF_UNSPEC;
}

static bool flows_is_led_back(const struct flows_stale *stale, const struct conntrack_way *way)
{
	return flows_is_from(way, &stale->to, stale->to_port) ||
	       flows_is_from(way, &stale->to6, stale->to_port);
}

/*
 * An answer that is under way when its flow is ended begins a flow of its own, as if the copy had
 * called: from the host port, to where the client is. Then the client's datagrams are its answers.
 */
static bool flows_is_answer(const struct flows_stale *stale, const struct conntrack_flow *flow)
{
	return flow->reply.to.port == stale->port.number &&
	       (stale->port.address.family == AF_UNSPEC ||
		flows_is_same(&flow->reply.to.address, &stale->port.address)) &&
	       flows_is_led_back(stale, &flow->original);
}

bool flows_match(const struct flows_stale *stale, const struct conntrack_flow *flow)
{
	const struct conntrack_way *original = &flow->original, *reply = &flow->reply;

	if (original->protocol != stale->port.protocol)
		return false;
	if (flows_is_answer(stale, flow))
		return true;
	if (original->to.port != stale->port.number)
		return false;
	if (stale->port.address.family != AF_UNSPEC &&
	    !flows_is_same(&original->to.address, &stale->port.address))
		return false;
	if (!flows_are_led(stale))
		return flows_is_from(reply, &original->to.address, original->to.port);
	return flows_is_led_back(stale, reply);
}

static int flows_compare(const void *a, const void *b)
{
	const struct flows_stale *x = a, *y = b;

	return x->port.number - y->port.number;
}

/* Return: the index of the first one whose port is not less. */
static size_t flows_first(const struct flows_search *search, uint16_t port)
{
	size_t low = 0, high = search->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->stale[middle].port.number < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Many flows to one address follow each other: ask once. */
static bool flows_is_local(struct flows_search *search, const struct address *address)
{
	if (!flows_is_same(&search->asked, address)) {
		search->asked = *address;
		search->asked_is_local = route_is_local(search->route, address);
	}
	return search->asked_is_local;
}

/* What was not translated can also be a flow that this host forwards to another one. */
static bool flows_is_stale_at(struct flows_search *search, const struct conntrack_flow *flow,
			      uint16_t port)
{
	for (size_t i = flows_first(search, port);
	     i < search->count && search->stale[i].port.number == port; i++)
		if (flows_match(&search->stale[i], flow) &&
		    (flows_are_led(&search->stale[i]) ||
		     flows_is_local(search, &flow->original.to.address)))
			return true;
	return false;
}

static bool flows_is_stale(const struct conntrack_flow *flow, void *data)
{
	return flows_is_stale_at(data, flow, flow->original.to.port) ||
	       flows_is_stale_at(data, flow, flow->reply.to.port);
}

int flows_end(struct netlink *nl, struct netlink *route, struct flows_stale *stale, size_t count)
{
	struct flows_search search = {.route = route, .stale = stale, .count = count};
	struct conntrack_list list;
	int err;

	qsort(stale, count, sizeof(*stale), flows_compare);
	err = conntrack_find(nl, flows_is_stale, &search, &list);
	if (!err)
		err = conntrack_delete(nl, &list);
	conntrack_free(&list);
	return err ? netlink_report(nl, err, "cannot end UDP flows of before") : 0;
}
