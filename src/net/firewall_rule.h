/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall_rule.h - what one rule of another firewall does with our packets, by the look of it.
 */
#pragma once

#include <libnftnl/rule.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/** The links that our packets pass, by name and number. */
struct firewall_links {
	const char *bridge;
	uint32_t bridge_index, lo_index;
};

/** What a rule says. */
struct firewall_rule {
	bool accepts; /* what it matches */
	bool drops;   /* the same: drops or rejects */
	bool matches; /* not every packet */
	bool narrows; /* by something that our packets may not have: a port, another link, ... */
	bool names_bridge, names_lo;
	bool names_state; /* of the connection: see @states */
	bool names_dnat;  /* connections whose destination was translated */
	uint32_t states;  /* that it matches: NF_CT_STATE_BIT() of each; all where it names none */
};

/**
 * firewall_rule_read() - read a rule
 * @on_chain: called for each chain that it jumps or goes to
 */
void firewall_rule_read(const struct nftnl_rule *rule, const struct firewall_links *links,
			void (*on_chain)(void *data, const char *chain), void *data,
			struct firewall_rule *ret);

/**
 * firewall_rule_lets_us() - does the rule let packets of ours pass in this hook (NF_INET_*)?
 *
 * In the input hook these are only the answers to this host's own connections, in the output hook
 * only the packets on lo.
 */
bool firewall_rule_lets_us(const struct firewall_rule *rule, uint32_t hook);
