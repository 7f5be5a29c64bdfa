/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag.h - which sockets a network namespace has (sock_diag, man 7 sock_diag).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/netlink.h"

/** A socket that waits for peers at a port. */
struct diag_listener {
	sa_family_t family; /* AF_INET6 where it takes IPv6; AF_INET where it takes IPv4 only */
	bool any_address;   /* bound to no address in particular */
	bool loopback;      /* bound to 127.0.0.0/8 or ::1 */
	uint32_t inode;     /* its number in /proc/PID/fd */
};

/**
 * diag_find_listener() - a TCP socket that listens, or a UDP socket that is bound, at a port
 * @nl:       a NETLINK_SOCK_DIAG socket: it sees the namespace it was opened in
 * @protocol: IPPROTO_TCP, IPPROTO_UDP
 *
 * Of several, one that is bound to any address comes first, then one with a real address.
 *
 * Return: 0; -ENOENT where there is none; or another negative errno. Not reported.
 */
int diag_find_listener(struct netlink *nl, uint8_t protocol, uint16_t port,
		       struct diag_listener *ret);
