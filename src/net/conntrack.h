/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - forgetting the connections of a network that is gone.
 */
#pragma once

#include "net/address.h"
#include "net/netlink.h"

/**
 * conntrack_forget() - delete every conntrack entry that names an address of @network
 * @nl: a NETLINK_NETFILTER socket
 *
 * Return: 0 or a negative errno, not reported.
 */
int conntrack_forget(struct netlink *nl, const struct address *network);
