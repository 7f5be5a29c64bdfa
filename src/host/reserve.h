/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve.h - holds a host port, so that nobody else takes it while its connections go to a copy.
 *
 * DNAT alone would silently steal the connections of a server that listens on the port, now or
 * later. A socket that listens keeps all other programs away, also those with SO_REUSEADDR, and
 * shows us as the holder (`ss -ltnp`). But no packet must reach this socket: it would neither
 * accept a connection nor refuse it. So it begins to listen only when the nftables table is there,
 * which refuses what it does not translate. Before that it is only bound. That is enough to find
 * out who listens already, and the kernel refuses connections.
 */
#pragma once

#include <stdint.h>

#include "net/port.h"

struct reservation {
	int ipv4, ipv6; /* bound sockets; -1: none */
	struct nat_port port;
};

/** No reservation. Start with this value: reserve_release() is then always safe. */
#define RESERVATION_NONE ((struct reservation){.ipv4 = -1, .ipv6 = -1})

/**
 * reserve_port() - bind to the port on its address, or on all addresses, if nobody listens there
 *
 * Connections of an earlier run that are still in TIME_WAIT do not matter. If the port is taken,
 * the message names the program that has it, where this can be found out.
 *
 * Return: 0 or -errno, reported. -EADDRNOTAVAIL: this host has no such address.
 */
int reserve_port(struct reservation *reservation, const struct nat_port *port);

/**
 * reserve_check_address() - can something be bound to this address of the host?
 * Return: 0, also for AF_UNSPEC; or -errno, reported.
 */
int reserve_check_address(const struct address *address);

/**
 * reserve_free() - bind to a port that nobody uses, as reserve_port() does
 * @address:   of the host; AF_UNSPEC: all of its addresses
 * @preferred: taken if it is free; 0: any
 *
 * The number is in @reservation->port. Two reservations of one process can get the same @preferred
 * number: the caller must ask for it once only.
 *
 * Return: 0 or -errno, reported.
 */
int reserve_free(struct reservation *reservation, uint8_t protocol, const struct address *address,
		 uint16_t preferred);

/**
 * reserve_check() - is the port still not used by another program?
 *
 * Two runs can be bound to the same port until one of them listens. So each run asks again while it
 * has the lock for starting.
 *
 * Return: 0 or -errno, reported.
 */
int reserve_check(const struct reservation *reservation);

/**
 * reserve_listen() - the table is there now: keep all other programs away from the port
 * Return: 0 or -errno, reported.
 */
int reserve_listen(const struct reservation *reservation);

/** reserve_release() - give the port up. Safe to repeat. */
void reserve_release(struct reservation *reservation);
