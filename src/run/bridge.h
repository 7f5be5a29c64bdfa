/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge.h - the bridge that the copies' links are ports of, and the private network behind it.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "net/link.h"

/** The addresses in the private network: 0 is the network's own; the copies' begin after these. */
enum {
	BRIDGE_GATEWAY = 1,      /* the bridge: the copies' way out */
	BRIDGE_LOCAL_SOURCE = 2, /* stands in for a loopback address as a source */
	BRIDGE_FIRST_HOST = 3,
};

struct bridge {
	char name[IFNAMSIZ];
	struct mac mac;         /* of the bridge, and of all links of this run on the host */
	unsigned int mtu;       /* of the same, bytes */
	struct address subnet;  /* IPv4 */
	struct address subnet6; /* AF_UNSPEC: this host has no IPv6, or no use for it */
	unsigned int index;     /* ifindex; 0: not made yet */
	bool is_filtered;       /* what is bridged goes through the IP hooks (br_netfilter) */
};

/**
 * bridge_make() - make the bridge and set it up
 * @bridge: name, mac, mtu and subnet are given; the rest is found out
 *
 * Return: 0 or -errno, reported.
 */
int bridge_make(struct netlink *route, struct bridge *bridge);

/**
 * bridge_forward_again() - let it forward IPv4: somebody has turned forwarding off for all links
 * Return: 0 or -errno, reported.
 */
int bridge_forward_again(const struct bridge *bridge);

/** bridge_subnet6() - the IPv6 network that goes with the MAC address of a run. Pure. */
struct address bridge_subnet6(const struct mac *mac);
