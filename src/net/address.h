/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address.h - an IPv4 or IPv6 address with the length of its prefix. Pure.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	sa_family_t family; /* AF_INET or AF_INET6; AF_UNSPEC: no address */
	uint8_t prefix;     /* bits */
	uint8_t bytes[16];  /* network order; IPv4 uses the first 4 */
};

/** Room for any address as text, with its prefix. */
enum { ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 4 };

/** address_length() - bytes of @address in use: 4 or 16. */
size_t address_length(const struct address *address);

/**
 * address_parse() - read "10.90.0.0/24", or "fd00::1" with the full prefix length
 * Return: false if @text is not an address; @ret is then untouched.
 */
bool address_parse(struct address *ret, const char *text);

/** address_format() - write "10.90.0.2" to @text (ADDRESS_TEXT_MAX bytes). Return: @text. */
const char *address_format(const struct address *address, char *text);

/** address_format_network() - like address_format(), followed by the prefix: "/24". */
const char *address_format_network(const struct address *address, char *text);

/**
 * address_nth() - the @n-th address of a network, with the network's prefix
 * @n: 0 is the network's own address; less than 2^32, and inside the network
 */
struct address address_nth(const struct address *network, uint32_t n);

/** address_last() - the last address of a network, with the network's prefix. */
struct address address_last(const struct address *network);

/** address_half() - the first half of a network, or the second. It must have more than one address.
 */
struct address address_half(const struct address *network, bool is_second);

/** address_is_equal() - are both the same, their prefixes too? */
bool address_is_equal(const struct address *a, const struct address *b);

/** address_overlaps() - have the networks of @a and @b an address in common? */
bool address_overlaps(const struct address *a, const struct address *b);
