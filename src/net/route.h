/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.h - what this host's routes and addresses say. Reads only.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"
#include "net/netlink.h"

/** route_exists() - would this host know where to send a packet for @to? */
bool route_exists(struct netlink *nl, const struct address *to);

/** An address of a link of this host. */
struct route_local {
	unsigned int ifindex;
	struct address address;
	bool link_scope; /* means nothing beyond its link: fe80::/10, 169.254.0.0/16 */
};

/**
 * route_list_locals() - every address of every link
 * @cb: may see one twice; what it returns below 0 ends the list
 *
 * Return: 0, or a negative errno; that of @cb where it gave one. Not reported.
 */
int route_list_locals(struct netlink *nl, int (*cb)(const struct route_local *local, void *data),
		      void *data);
