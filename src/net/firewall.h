/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall.h - find the nftables chains of other programs that drop our packets.
 *
 * A packet must be accepted by every table: our `accept` does not win over the `drop` of another
 * table. We do not change other tables, but the user should know which one drops.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/netlink.h"

enum { FIREWALL_NAME_MAX = 64 };

/** A base chain that drops what its rules do not accept, and has no rule for our packets. */
struct firewall_chain {
	const char *family; /* "ip", "ip6", "inet" */
	char table[FIREWALL_NAME_MAX], chain[FIREWALL_NAME_MAX];
	uint32_t hook; /* NF_INET_LOCAL_IN, NF_INET_FORWARD, NF_INET_LOCAL_OUT */
};

/**
 * firewall_find() - list the chains that are in the way of our packets
 * @bridge:     our bridge
 * @own_prefix: how the names of our tables begin, in every run: their chains are left out
 * @ret_chains: to be freed with free()
 *
 * It finds chains of the type filter whose policy is drop, or that have a rule which drops or
 * rejects everything that comes to it. It leaves out a chain if one of its rules, or of the chains
 * that it jumps to, looks as if it accepts our packets: this is an estimate, not a proof. It does
 * not find the chains of legacy iptables, because this netlink request does not show them.
 *
 * Return: 0 or -errno.
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
