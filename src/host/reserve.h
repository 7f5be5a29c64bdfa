/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve.h - hold a host port, so that nobody else takes it while its connections go to a copy.
 *
 * DNAT alone would silently take the connections of a server that listens on the port, now or
 * later. A listening socket keeps other programs away and shows us as the holder (`ss -ltnp`). It
 * never accepts a connection: a filter drops every packet that reaches it. After our nftables table
 * is in place no packet reaches it, because the table translates or refuses all of them. Before
 * that, a client's SYN is lost, and the client sends it again.
 */
#pragma once

#include <stdint.h>

struct reservation {
	int ipv4, ipv6; /* bound sockets; -1: none */
};

/** No port is held: a start value, so that reserve_release() is safe at any time. */
#define RESERVATION_NONE ((struct reservation){.ipv4 = -1, .ipv6 = -1})

/**
 * reserve_port() - take the port on all addresses, without waiting, until reserve_release()
 *
 * Connections of an earlier run that are still in TIME_WAIT do not prevent this. If another program
 * has the port, the report names that program, if it can be found.
 *
 * Return: 0 or -errno, reported.
 */
int reserve_port(struct reservation *reservation, uint8_t protocol, uint16_t port);

/** reserve_release() - let the port go. Safe to repeat. */
void reserve_release(struct reservation *reservation);
