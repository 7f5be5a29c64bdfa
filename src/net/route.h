/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.h - what this host's routes and addresses say. Reads only.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"
#include "net/netlink.h"

/** route_exists() - does this host have a route to @to? */
bool route_exists(struct netlink *nl, const struct address *to);

/** route_is_local() - does this host take packets to @to for its own? */
bool route_is_local(struct netlink *nl, const struct address *to);

/** An address of a link of this host. */
struct route_local {
	unsigned int ifindex;
	struct address address;
	bool link_scope; /* valid only on its link: fe80::/10, 169.254.0.0/16 */
};

/**
 * route_list_locals() - call @cb for every address of every link
 * @cb: can get an address twice; a negative errno from it ends the list
 *
 * Return: 0 or -errno: the kernel's, or that of @cb.
 */
int route_list_locals(struct netlink *nl, int (*cb)(const struct route_local *local, void *data),
		      void *data);

/**
 * route_list_links() - call @cb for every link by which a route leads out of this host
 * @cb: can get a link many times; a negative errno from it ends the list
 *
 * Link-local and multicast routes of IPv6 do not count: every link has them.
 *
 * Return: 0 or -errno: the kernel's, or that of @cb.
 */
int route_list_links(struct netlink *nl,
		     int (*cb)(sa_family_t family, unsigned int ifindex, void *data), void *data);
