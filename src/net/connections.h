/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connections.h - ends the connections of copies that are about to end, or have ended.
 */
#pragma once

#include "net/address.h"
#include "net/netlink.h"

/**
 * An owner of connections: it has a network namespace, and this namespace tracks its connections.
 */
struct connections_owner {
	struct address addresses[2]; /* IPv4 and IPv6; AF_UNSPEC: none */
	struct netlink *diag;        /* a NETLINK_SOCK_DIAG socket in its namespace */
	bool has_connections;        /* set by connections_end() */
};

/**
 * connections_end() - end all connections of some owners, and no others
 * @nl: a NETLINK_NETFILTER socket
 *
 * If an owner has a conntrack entry of a connection that is not over, all its TCP connections are
 * aborted, which tells their peers (see diag_abort_all()). Then the entries are deleted. An owner
 * without such an entry is skipped, because the kernel would need milliseconds to look for its
 * sockets, and each health check leaves an entry behind for two minutes.
 *
 * Return: 0 or the first -errno of conntrack, reported.
 */
int connections_end(struct netlink *nl, struct connections_owner *owners, size_t count);
