// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bound.c - sets and rules beside those of ruleset.c, with the address as a part of the key. The
 * comments show each rule in nft's own syntax, as it is for IPv4.
 *
 * They come first in the chains that translate. Nobody but this run can have the same port of all
 * addresses, so the order matters to nobody; but the rules that follow are for all ports.
 */
#include "net/bound.h"

#include <linux/netfilter/nf_tables.h>

#include "net/refusal.h"
#include "net/ruleset.h"
#include "net/set.h"

static const struct address LOOPBACK4 = {.family = AF_INET, .prefix = 8, .bytes = {127}};

static const char *bound_name(sa_family_t family, const char *of_all, const char *of_ipv4,
			      const char *of_ipv6)
{
	if (family == AF_UNSPEC)
		return of_all;
	return family == AF_INET6 ? of_ipv6 : of_ipv4;
}

static const char *bound_published_of(sa_family_t family)
{
	return bound_name(family, RULESET_PUBLISHED, "published4", "published6");
}

static const char *bound_reserved_of(sa_family_t family)
{
	return bound_name(family, RULESET_RESERVED, "reserved4", "reserved6");
}

const char *bound_published(const struct nat_port *port)
{
	return bound_published_of(port->address.family);
}

const char *bound_reserved(const struct nat_port *port)
{
	return bound_reserved_of(port->address.family);
}

static void bound_add_sets(struct nft_batch *batch, sa_family_t family)
{
	enum nft_key key = family == AF_INET6 ? NFT_KEY_PORT6 : NFT_KEY_PORT4;

	nft_batch_add_set(batch, bound_published_of(family),
			  "host port of one address -> chain of the copy", key, true);
	nft_batch_add_set(batch, bound_reserved_of(family),
			  "host ports of one address that lead nowhere else", key, false);
}

/* fib daddr type local meta l4proto . ip daddr . th dport vmap @published4 */
static void bound_translate(struct nft_batch *batch, const char *chain, sa_family_t family,
			    const char *comment)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	match_daddr_local(&rule, true);
	do_bound_port_vmap(&rule, family, bound_published_of(family));
	nft_batch_insert_rule(batch, &rule, comment);
}

/*
 * ip daddr 127.0.0.0/8 meta l4proto . ip daddr . th dport @reserved4 drop
 * The kernel itself drops what comes by a link and is for ::1.
 */
static void bound_guard(struct nft_batch *batch)
{
	struct nft_rule rule = nft_rule_start(batch, "guard");

	match_daddr(&rule, &LOOPBACK4, true);
	match_bound_port_in(&rule, AF_INET, bound_reserved_of(AF_INET));
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "127.0.0.0/8 is for this host alone (CVE-2020-8558)");
}

/* meta l4proto . ip daddr . th dport @reserved4 goto refuse */
static void bound_refuse(struct nft_batch *batch, const char *chain, sa_family_t family)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	match_bound_port_in(&rule, family, bound_reserved_of(family));
	do_goto(&rule, REFUSAL_CHAIN);
	nft_batch_add_rule(batch, &rule, REFUSAL_COMMENT);
}

void bound_add(struct nft_batch *batch, sa_family_t family, bool is_forwarded)
{
	bound_add_sets(batch, family);
	bound_translate(batch, "from-host", family,
			"this host's own connections, to one of its addresses");
	if (is_forwarded)
		bound_translate(batch, "from-elsewhere", family,
				"the LAN, and the copies by one of this host's addresses");
	if (family == AF_INET)
		bound_guard(batch);
	bound_refuse(batch, "unmapped", family);
	bound_refuse(batch, "unmapped-here", family);
}
