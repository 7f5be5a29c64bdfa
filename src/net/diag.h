/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag.h - which sockets a network namespace has (sock_diag, man 7 sock_diag).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/netlink.h"
#include "net/port.h"

/** Which sockets wait for peers at a port. */
struct diag_listeners {
	bool ipv4;      /* a socket that peers from elsewhere reach over IPv4 */
	bool ipv6;      /* a socket that they reach over IPv6 */
	bool any;       /* any socket, also one that is bound to a loopback address */
	uint32_t inode; /* of one of them: its number in /proc/PID/fd */
};

/**
 * diag_listens() - would a connection to @address and @port be accepted?
 * @nl:       a NETLINK_SOCK_DIAG socket: it sees the namespace it was opened in
 * @protocol: IPPROTO_TCP: a socket listens; IPPROTO_UDP: a socket is bound
 * @address:  of a link of that namespace
 * @link:     the link's name; a socket can be bound to it (SO_BINDTODEVICE)
 *
 * The kernel looks in its hash table, as it does for a packet: the cost does not depend on how many
 * sockets there are (inet_diag_find_one_icsk(), udp_dump_one()).
 *
 * Return: 1 yes, 0 no, or -errno.
 */
int diag_listens(struct netlink *nl, uint8_t protocol, const struct address *address, uint16_t port,
		 const char *link);

/**
 * diag_is_supported() - has this kernel inet_diag for @protocol? Loads its module where it can.
 * Return: 1 yes, 0 no, or -errno.
 */
int diag_is_supported(struct netlink *nl, uint8_t protocol);

/**
 * diag_count_connections() - how many TCP connections do the namespace's @ports have?
 * @ports: @count of them
 *
 * Those from a loopback address of the namespace do not count, nor those in which its end has
 * nothing more to send.
 *
 * Return: how many, or -errno.
 */
int diag_count_connections(struct netlink *nl, const uint16_t *ports, size_t count);

/**
 * diag_abort_all() - abort every TCP connection of the namespace; the peers get a reset
 *
 * Also connections that no process holds any more. When a program ended, it may have had data still
 * to send. This data is lost with the namespace, and without a reset the peer would wait for ever.
 *
 * Kernels without CONFIG_INET_DIAG_DESTROY do nothing here (-EOPNOTSUPP). Before Linux 6.12, they
 * do not abort connections that no process holds.
 *
 * Return: 0 or the first -errno.
 */
int diag_abort_all(struct netlink *nl);

/**
 * diag_find_listeners() - TCP sockets that listen, or UDP sockets that are bound, at a port
 * @nl:   a NETLINK_SOCK_DIAG socket: it sees the namespace it was opened in
 * @port: of one address: only sockets at this address, and those at all addresses
 *
 * Return: 0 or -errno. -EOPNOTSUPP: the kernel has no inet_diag.
 */
int diag_find_listeners(struct netlink *nl, const struct nat_port *port,
			struct diag_listeners *ret);
