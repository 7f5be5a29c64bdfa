/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flows.h - ends UDP flows that go where their host port does not lead any more.
 *
 * A UDP flow has no beginning and no end. As long as a client sends, its conntrack entry lives, and
 * decides where its datagrams go, whatever the rules say by now. When the entry is deleted, the
 * next datagram asks the rules again.
 */
#pragma once

#include "net/conntrack.h"
#include "net/netlink.h"
#include "net/port.h"

/** A host port, and where the flows to it go that are to end. */
struct flows_stale {
	struct nat_port port;   /* of UDP */
	struct address to, to6; /* translated to these; both AF_UNSPEC: not translated at all */
	uint16_t to_port;
};

/** flows_are_led() - is it about flows to a backend, and not about such as are not translated? */
bool flows_are_led(const struct flows_stale *stale);

/**
 * flows_match() - is @flow one of those? If it is not translated, its destination must also be this
 * host. Pure.
 */
bool flows_match(const struct flows_stale *stale, const struct conntrack_flow *flow);

/**
 * flows_end() - delete the conntrack entries of stale flows, and no others
 * @nl:    a NETLINK_NETFILTER socket
 * @route: a NETLINK_ROUTE socket
 * @stale: @count of them, at least 1; will be sorted
 *
 * Reads the conntrack table once.
 *
 * Return: 0 or -errno, reported.
 */
int flows_end(struct netlink *nl, struct netlink *route, struct flows_stale *stale, size_t count);
