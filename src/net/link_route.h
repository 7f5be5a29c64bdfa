/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_route.h - the routes that links of ours have.
 *
 * All functions return 0 or -errno, unreported.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"
#include "net/netlink.h"

struct link_route_spec {
	struct address to; /* AF_UNSPEC: default */
	struct address gateway;
	unsigned int mtu; /* in bytes; 0: the link's */
	/*
	 * The way is a short one, at whose end segments may be dropped without a word: TCP sends
	 * them again after 5 ms at the earliest, not after 200, and without cubic's memory of the
	 * loss (`rto_min 5ms congctl reno`).
	 */
	bool is_short;
};

/** link_add_route() - `ip route add TO via GATEWAY dev @ifindex onlink mtu MTU` */
int link_add_route(struct netlink *nl, unsigned int ifindex, const struct link_route_spec *spec);

/**
 * link_add_local_route() - `ip route add local TO dev @ifindex table local metric @metric`
 * @metric: 0: what the kernel chooses
 */
int link_add_local_route(struct netlink *nl, unsigned int ifindex, const struct address *to,
			 uint32_t metric);
