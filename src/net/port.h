/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port.h - a host port. Pure.
 */
#pragma once

#include <stdint.h>

#include "net/address.h"

/** A port of this host: of all of its addresses, or of one. */
struct nat_port {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t number;
	struct address address; /* AF_UNSPEC: all of them; else one, with its full prefix */
};
