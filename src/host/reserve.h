/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve.h - holding a host port, so that nobody else takes it while its connections go to a copy.
 *
 * DNAT alone would silently steal the connections of a server that listens there, or starts to. A
 * bound socket keeps others away and shows us as the holder (`ss -ltnp`). It never gets a
 * connection: what reaches this host's own sockets at such a port is refused by the nftables table.
 */
#pragma once

#include <stdint.h>

struct reservation {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port;
	int ipv4, ipv6; /* bound sockets; -1: none */
};

/** Nothing is held: for reserve_release() to be right from the beginning. */
#define RESERVATION_NONE ((struct reservation){.ipv4 = -1, .ipv6 = -1})

/**
 * reserve_port() - bind the port on all addresses
 *
 * Connections of an earlier run that are still in TIME_WAIT do not stand in the way.
 *
 * Return: 0 or a negative errno, which is reported, with the port's holder where it can be known.
 */
int reserve_port(struct reservation *reservation, uint8_t protocol, uint16_t port);

/**
 * reserve_listen() - hold the port against programs that bind it with SO_REUSEADDR as well
 *
 * To be called when the nftables table is in place, and not before: until then a connection would
 * be accepted into a backlog that nobody empties.
 *
 * Return: 0 or a negative errno, which is reported.
 */
int reserve_listen(struct reservation *reservation);

/** reserve_release() - let the port go. Safe to repeat. */
void reserve_release(struct reservation *reservation);
