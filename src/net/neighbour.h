/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * neighbour.h - who is behind which link: entries that are set, so that nobody has to ask.
 *
 * A packet for a neighbour whose link layer address is not known yet makes the kernel ask for it.
 * If the neighbour is not up yet, the question is repeated only a second later, and all packets
 * wait that long. A permanent entry makes the question needless. It does not count against the
 * limit of the table either (neigh_alloc(), gc_thresh3).
 *
 * All functions return 0 or -errno.
 */
#pragma once

#include "net/link.h"

/** neighbour_add() - `ip neigh replace @address lladdr @mac nud permanent dev @ifindex`. */
int neighbour_add(struct netlink *nl, unsigned int ifindex, const struct address *address,
		  const struct mac *mac);

/** neighbour_delete() - `ip neigh del @address dev @ifindex`. None is no error. */
int neighbour_delete(struct netlink *nl, unsigned int ifindex, const struct address *address);

/** neighbour_add_port() - `bridge fdb add @mac dev @ifindex master static`: of a bridge's port. */
int neighbour_add_port(struct netlink *nl, unsigned int ifindex, const struct mac *mac);
