/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mac.h - Ethernet addresses.
 */
#pragma once

#include <stdint.h>

#include "net/address.h"

struct mac {
	uint8_t octet[6];
};

/** mac_random() - a random, locally administered unicast MAC address. Return: 0 or -errno. */
int mac_random(struct mac *ret);

/** mac_link_local() - the address in fe80::/64 that follows from @mac (RFC 4291, appendix A). */
struct address mac_link_local(const struct mac *mac);
