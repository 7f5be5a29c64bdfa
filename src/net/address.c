// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * address.c - arithmetic on addresses and prefixes, the same for both families.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t address_length(const struct address *address)
{
	return address->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

bool address_parse(struct address *ret, const char *text)
{
	struct address address = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	unsigned long bits = 8 * address_length(&address);
	const char *slash = strchr(text, '/');
	char digits[INET6_ADDRSTRLEN] = "";
	size_t length = slash ? (size_t)(slash - text) : strlen(text);

	if (length >= sizeof(digits))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
	if (inet_pton(address.family, digits, address.bytes) != 1)
		return false;
	if (slash) {
		char *end;
		unsigned long prefix = strtoul(slash + 1, &end, 10);

		if (slash[1] < '0' || slash[1] > '9' || *end || prefix > bits)
			return false;
		bits = prefix;
	}
	address.prefix = (uint8_t)bits;
	*ret = address;
	return true;
}

const char *address_format(const struct address *address, char *text)
{
	if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_MAX))
		snprintf(text, ADDRESS_TEXT_MAX, "?");
	return text;
}

const char *address_format_network(const struct address *address, char *text)
{
	size_t length = strlen(address_format(address, text));

	snprintf(text + length, ADDRESS_TEXT_MAX - length, "/%u", address->prefix);
	return text;
}

struct address address_last(const struct address *network)
{
	struct address last = *network;

	for (size_t bit = network->prefix; bit < 8 * address_length(network); bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
	return last;
}

struct address address_half(const struct address *network, bool is_second)
{
	struct address half = *network;

	if (is_second)
		half.bytes[half.prefix / 8] |= (uint8_t)(0x80U >> half.prefix % 8);
	half.prefix++;
	return half;
}

struct address address_nth(const struct address *network, uint32_t n)
{
	struct address address = *network;

	for (size_t i = address_length(network); i-- > 0 && n; n >>= 8) {
		n += address.bytes[i];
		address.bytes[i] = (uint8_t)n;
	}
	return address;
}

bool address_is_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool address_overlaps(const struct address *a, const struct address *b)
{
	unsigned int bits = a->prefix < b->prefix ? a->prefix : b->prefix;
	unsigned int rest = bits % 8;
	unsigned int mask = 0xff00U >> rest;

	if (a->family != b->family || memcmp(a->bytes, b->bytes, bits / 8) != 0)
		return false;
	return !rest || !((a->bytes[bits / 8] ^ b->bytes[bits / 8]) & mask & 0xff);
}
