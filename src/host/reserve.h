/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve.h - holding a host port, so that nobody else takes it while its connections go to a copy.
 *
 * DNAT alone would silently steal the connections of a server that listens there, or starts to. A
 * listening socket keeps all others away and shows us as the holder (`ss -ltnp`). It never accepts
 * a connection: a filter drops what reaches it. Once the nftables table is there nothing does any
 * more, what it does not translate it refuses; before that, a client's SYN is lost, and tried
 * again.
 */
#pragma once

#include <stdint.h>

struct reservation {
	int ipv4, ipv6; /* bound sockets; -1: none */
};

/** Nothing is held: for reserve_release() to be right from the beginning. */
#define RESERVATION_NONE ((struct reservation){.ipv4 = -1, .ipv6 = -1})

/**
 * reserve_port() - take the port on all addresses, for good and at once
 *
 * Connections of an earlier run that are still in TIME_WAIT do not stand in the way.
 *
 * Return: 0 or a negative errno, which is reported, with the port's holder where it can be known.
 */
int reserve_port(struct reservation *reservation, uint8_t protocol, uint16_t port);

/** reserve_release() - let the port go. Safe to repeat. */
void reserve_release(struct reservation *reservation);
