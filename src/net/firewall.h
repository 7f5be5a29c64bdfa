/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall.h - finding other people's nftables chains that drop what is ours.
 *
 * A packet has to be accepted by every table: an `accept` of ours does not win over a `drop` of
 * theirs. Their tables are none of our business; but the user should know which one it is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/netlink.h"

enum { FIREWALL_NAME_MAX = 64 };

/** A base chain that ends in a drop, and does not name our bridge before that. */
struct firewall_chain {
	const char *family; /* "ip", "ip6", "inet" */
	char table[FIREWALL_NAME_MAX], chain[FIREWALL_NAME_MAX];
	uint32_t hook; /* NF_INET_LOCAL_IN, NF_INET_FORWARD, NF_INET_LOCAL_OUT */
};

/**
 * firewall_find() - list the chains that stand in the way
 * @bridge:     our bridge
 * @own_prefix: what the names of our tables begin with, those of other runs too: they are left out
 * @ret_chains: to be freed with free()
 *
 * Found are chains of the type filter with the policy drop, or whose last rule drops or rejects
 * everything, unless a rule there, or in a chain that they lead to, looks as if it were for us: an
 * estimate, not a proof. Not found are those of legacy iptables, which no such request shows.
 *
 * Return: 0 or a negative errno, not reported.
 */
int firewall_find(struct netlink *nl, const char *bridge, const char *own_prefix,
		  struct firewall_chain **ret_chains, size_t *ret_count);

/** Room for the longest command that firewall_format_command() makes. */
enum { FIREWALL_COMMAND_MAX = 512 };

/**
 * firewall_format_command() - a shell command that makes the chain let our packets through. Pure.
 * @command: FIREWALL_COMMAND_MAX bytes
 */
void firewall_format_command(const struct firewall_chain *chain, const char *bridge, char *command);

/** firewall_whom() - whose connections the chain drops, in words. Pure. */
const char *firewall_whom(const struct firewall_chain *chain);
