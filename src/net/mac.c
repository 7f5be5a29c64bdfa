// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mac.c - Ethernet addresses.
 */
#include "net/mac.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>

int mac_random(struct mac *ret)
{
	struct mac mac;

	if (getrandom(mac.octet, sizeof(mac.octet), 0) != sizeof(mac.octet))
		return -EIO;
	mac.octet[0] = (uint8_t)((mac.octet[0] & 0xfc) | 0x02); /* unicast, locally administered */
	*ret = mac;
	return 0;
}

struct address mac_link_local(const struct mac *mac)
{
	const uint8_t *o = mac->octet;

	return (struct address){
		.family = AF_INET6,
		.prefix = 64,
		.bytes = {0xfe, 0x80, [8] = o[0] ^ 0x02, o[1], o[2], 0xff, 0xfe, o[3], o[4], o[5]},
	};
}
