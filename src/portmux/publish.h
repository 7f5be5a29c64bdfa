/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.h - reads what stands behind `--publish`: which host ports lead to which port. Pure.
 *
 *	[[ADDRESS:]HOSTPORT:]PORT[/tcp|/udp]
 *
 * as docker(1) and podman(1) have it. ADDRESS is an IPv4 address, or an IPv6 address in brackets.
 * HOSTPORT is a number (one port), `8081-8090` (a port for each copy, that many at most), `8081+`
 * (a port for each copy), or nothing (a free one for each copy).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "plan.h"

struct publish {
	uint8_t protocol;       /* IPPROTO_TCP, IPPROTO_UDP */
	struct address address; /* AF_UNSPEC: all of the host's */
	uint16_t port;          /* of the copies */
	uint16_t first, last;   /* host ports; both 0: free ones */
	bool is_open;           /* `8081+`: there is no last one */
};

/**
 * publish_parse() - read one mapping
 * @ret: untouched after a failure
 *
 * Return: 0 or -EINVAL, reported.
 */
int publish_parse(struct publish *ret, const char *text);

/**
 * publish_check() - are there host ports for @copies copies, and none twice?
 * @texts: as the user has written them, for the messages; @count of them and of @all
 *
 * Return: 0 or -EINVAL: each bad mapping has been reported, in a line of its own.
 */
int publish_check(const struct publish *all, char *const *texts, size_t count, unsigned int copies);

/** publish_to_plan() - the same as a port of the plan; free host ports have the number 0. */
struct plan_port publish_to_plan(const struct publish *publish);
