/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neighbour.h - who is behind which link: permanent entries, so that the kernel need not ask.
 *
 * When the kernel has a packet for a neighbour whose link layer address it does not know yet, it
 * asks for the address on the link. If the neighbour is not up yet, the kernel asks again only a
 * second later, and all packets wait that long. With a permanent entry it need not ask. Such an
 * entry does not count against the limit of the table either (neigh_alloc(), gc_thresh3).
 *
 * All functions return 0 or -errno.
 */
#pragma once

#include "net/link.h"

/** neighbour_add() - `ip neigh replace @address lladdr @mac nud permanent dev @ifindex`. */
int neighbour_add(struct netlink *nl, unsigned int ifindex, const struct address *address,
		  const struct mac *mac);

/** neighbour_delete() - `ip neigh del @address dev @ifindex`. A missing entry is no error. */
int neighbour_delete(struct netlink *nl, unsigned int ifindex, const struct address *address);

/** neighbour_add_port() - `bridge fdb add @mac dev @ifindex master static`: @ifindex is a port. */
int neighbour_add_port(struct netlink *nl, unsigned int ifindex, const struct mac *mac);
