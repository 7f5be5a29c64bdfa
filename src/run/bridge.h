/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge.h - the bridge that the copies' links are ports of, and the private network behind it.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "net/link.h"

/**
 * The first addresses in the private network. Number 0 is the network's own. All of them are in its
 * first half: see bridge_callers().
 */
enum {
	BRIDGE_GATEWAY = 1,      /* the bridge: the copies' default gateway */
	BRIDGE_LOCAL_SOURCE = 2, /* replaces a loopback address as the source */
	BRIDGE_FIRST_HOST = 3,   /* of the copies */
};

struct bridge {
	char name[IFNAMSIZ];
	struct mac mac;         /* of the bridge, and of all links of this run on the host */
	unsigned int mtu;       /* of the way out of it, in bytes */
	struct address subnet;  /* IPv4 */
	struct address subnet6; /* AF_UNSPEC: this host has no IPv6, or @mtu is too small for it */
	unsigned int index;     /* ifindex; 0: not made yet */
	bool is_filtered;       /* bridged packets pass the IP hooks (br_netfilter) */
};

/**
 * bridge_link_mtu() - the MTU of the bridge and of its links
 *
 * It is as large as loopback's may be, or @bridge's own if that is larger: no link but the uplinks
 * needs packets to be short. So localhost has long segments, and fewer acknowledgements.
 */
unsigned int bridge_link_mtu(const struct bridge *bridge);

/**
 * bridge_make() - make the bridge and set it up
 * @bridge: name, mac, mtu and subnet are given; the rest is filled in
 *
 * Return: 0 or -errno, reported.
 */
int bridge_make(struct netlink *route, struct bridge *bridge);

/**
 * bridge_forward_again() - turn the bridge's forwarding on, after somebody has turned it off
 * Return: 0 or -errno, reported.
 */
int bridge_forward_again(const struct bridge *bridge, sa_family_t family);

/**
 * bridge_callers() - the second half of a network of the bridge
 *
 * A copy that calls a host port comes in by the address of this half that has the place of its own
 * in the first. They belong to the host, all of them, by one route. Pure.
 */
struct address bridge_callers(const struct address *subnet);

/** bridge_subnet6() - the IPv6 network that follows from the MAC address of a run. Pure. */
struct address bridge_subnet6(const struct mac *mac);
