/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - forgetting the connections of a network that is gone.
 */
#pragma once

#include "net/address.h"
#include "net/netlink.h"

/**
 * conntrack_forget() - delete every conntrack entry that names an address of one of these networks
 * @nl:       a NETLINK_NETFILTER socket
 * @networks: @count of them, of either family
 *
 * Return: 0 or a negative errno, not reported.
 */
int conntrack_forget(struct netlink *nl, const struct address *networks, size_t count);
