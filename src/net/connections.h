/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connections.h - ending the connections of those who are going or have gone.
 */
#pragma once

#include "net/address.h"
#include "net/netlink.h"

/** Somebody with a network namespace, whose connections this namespace tracks. */
struct connections_owner {
	struct address addresses[2]; /* IPv4 and IPv6; AF_UNSPEC: none */
	struct netlink *diag;        /* a NETLINK_SOCK_DIAG socket in its namespace */
	bool has_connections;        /* for connections_end() to find out */
};

/**
 * connections_end() - end all connections of some owners, and no others
 *
 * Whoever has a conntrack entry has its TCP connections aborted, which tells its peers (see
 * diag_abort_all()); then the entries are deleted. An owner without an entry costs nothing: looking
 * for its sockets would take the kernel a millisecond each.
 *
 * Return: 0, or the first -errno of what concerns conntrack, reported.
 */
int connections_end(struct connections_owner *owners, size_t count);
