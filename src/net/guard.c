// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guard.c - a set, a rule, and a table of their own.
 */
#include "net/guard.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <string.h>

#include "net/set.h"

#ifndef NFT_TABLE_F_PERSIST
#define NFT_TABLE_F_PERSIST 4 /* Linux 6.9 */
#endif

static const char GUARD_SET[] = "uplinks";
static const char GUARD_CHAIN[] = "forward";
static const char GUARD_PREFIX[] = "uva_guard_";

void guard_format_name(const struct mac *mac, char table[NFT_TABLE_MAX])
{
	const uint8_t *o = mac->octet;

	snprintf(table, NFT_TABLE_MAX, "%s%02x%02x%02x%02x%02x%02x", GUARD_PREFIX, o[0], o[1], o[2],
		 o[3], o[4], o[5]);
}

bool guard_is_name(const char *table)
{
	size_t prefix = strlen(GUARD_PREFIX);

	return strncmp(table, GUARD_PREFIX, prefix) == 0 && strlen(table) == prefix + 12 &&
	       strspn(table + prefix, "0123456789abcdef") == 12;
}

static uint8_t guard_nfproto(sa_family_t family)
{
	return family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

void guard_add_set(struct nft_batch *batch)
{
	nft_batch_add_set(batch, GUARD_SET, "links whose forwarding was turned on", NFT_KEY_LINK,
			  false);
}

void guard_add_rule(struct nft_batch *batch, const char *chain)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	/* meta nfproto . iif @uplinks meta oifgroup & 0xc0000000 != 0x40000000 drop */
	match_link_in(&rule, GUARD_SET);
	match_oifgroup(&rule, LINK_GROUP_MASK, LINK_GROUP_OURS, false);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "forwarding is on for the copies alone: no router");
}

void guard_add_link(struct nft_batch *batch, sa_family_t family, unsigned int ifindex)
{
	nft_batch_add_link(batch, GUARD_SET, guard_nfproto(family), ifindex);
}

void guard_delete_link(struct nft_batch *batch, sa_family_t family, unsigned int ifindex)
{
	nft_batch_delete_link(batch, GUARD_SET, guard_nfproto(family), ifindex);
}

static int guard_try(struct netlink *nl, const char *table, uint32_t flags)
{
	struct nft_batch batch;

	nft_batch_start(&batch, table, nl->sequence);
	nft_batch_add_table(&batch, "outlives the run, if need be: remove it after the forwarding",
			    flags);
	guard_add_set(&batch);
	nft_batch_add_base_chain(&batch, GUARD_CHAIN, "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);
	guard_add_rule(&batch, GUARD_CHAIN);
	return nft_batch_send(&batch, nl);
}

int guard_make(struct netlink *nl, const char *table)
{
	int err = guard_try(nl, table, NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST);

	return err == -EOPNOTSUPP || err == -EINVAL ? guard_try(nl, table, 0) : err;
}
