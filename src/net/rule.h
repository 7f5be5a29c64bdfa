/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule.h - the rules by which the host chooses a routing table (`ip rule`), over rtnetlink.
 *
 * Rules of ours match only what comes in by a link of ours, or is for a network of ours. They are
 * known by that and by their protocol number.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/netlink.h"

enum rule_kind {
	RULE_STANDARD,  /* of table local, main or default, for all packets */
	RULE_BY_SOURCE, /* chooses a table by source, and perhaps destination and TOS; no more */
	RULE_OTHER,
	RULE_OURS,
};

struct rule {
	enum rule_kind kind;
	sa_family_t family;
	uint32_t priority;
	uint32_t table;
	uint8_t tos;
	struct address from, to; /* AF_UNSPEC: any */
	uint32_t suppressed;     /* FRA_SUPPRESS_PREFIXLEN; UINT32_MAX: none */
	uint32_t mark, mask;     /* `fwmark`; 0/0: any */
};

/**
 * rule_list() - all rules of both families, in their order within a family
 * @cb: a negative return value ends the listing
 *
 * Return: 0 or -errno, of @cb too.
 */
int rule_list(struct netlink *nl, int (*cb)(const struct rule *rule, void *data), void *data);

/**
 * rule_add() - make a rule of ours: `ip rule add to NETWORK iif LINK fwmark MARK lookup TABLE`
 * @rule: its @kind and @from do not matter
 * @link: NULL: whatever link a packet comes in by
 *
 * It comes behind those of the same priority. Return: 0 or -errno, unreported.
 */
int rule_add(struct netlink *nl, const struct rule *rule, const char *link);

/**
 * rule_delete_all() - delete our rules for a link, and for networks. None is no error.
 * @networks: IPv4, IPv6
 *
 * Return: 0 or -errno, unreported.
 */
int rule_delete_all(struct netlink *nl, const char *link, const struct address networks[2]);
