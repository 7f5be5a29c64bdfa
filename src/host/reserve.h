/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve.h - holding a host port, so that nobody else takes it while its connections go to a copy.
 *
 * DNAT alone would silently steal the connections of a server that listens there, or starts to. A
 * socket that listens keeps all others away, also those with SO_REUSEADDR, and shows us as the
 * holder (`ss -ltnp`). It must never be reached: it would neither accept a connection nor refuse
 * it. So it only listens from when the nftables table refuses what it does not translate. Before
 * that it is bound, which is enough to find out who listens already; the kernel refuses
 * connections.
 */
#pragma once

#include <stdint.h>

struct reservation {
	int ipv4, ipv6; /* bound sockets; -1: none */
	uint8_t protocol;
	uint16_t port;
};

/** Nothing is held: for reserve_release() to be right from the beginning. */
#define RESERVATION_NONE ((struct reservation){.ipv4 = -1, .ipv6 = -1})

/**
 * reserve_port() - bind to the port on all addresses, if nobody listens there
 *
 * Connections of an earlier run that are still in TIME_WAIT do not stand in the way.
 *
 * Return: 0 or -errno, reported, with the port's holder where it can be known.
 */
int reserve_port(struct reservation *reservation, uint8_t protocol, uint16_t port);

/**
 * reserve_check() - does still nobody listen there?
 *
 * Two runs can be bound to the same port, until one of them listens: ask again when it is this
 * run's turn. Return: as above.
 */
int reserve_check(const struct reservation *reservation);

/** reserve_listen() - keep everybody else away: the table is there. Return: as above. */
int reserve_listen(const struct reservation *reservation);

/** reserve_release() - let the port go. Safe to repeat. */
void reserve_release(struct reservation *reservation);
