/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.h - rules that keep a link which forwards from making a router of the host.
 *
 *	meta nfproto . iif @uplinks meta oifgroup & 0xc0000000 != 0x40000000 drop
 *
 * What comes in by an uplink, and would go out by another link than one of ours (link.h: they are
 * known by their group), is dropped in the forward hook. Nothing but what is forwarded is touched:
 * no packet for this host, none that a routing rule or TPROXY of others takes elsewhere.
 *
 * The rules are there twice: in the table of the run, which others cannot flush and which ends with
 * our processes; and in a table of their own, which outlives them, should all be killed at once.
 * From Linux 6.9 on it has an owner as well, as long as that lives (NFT_TABLE_F_PERSIST).
 */
#pragma once

#include <stdbool.h>

#include "net/batch.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/table.h"

/** guard_format_name() - the table's name, which follows from the run's MAC address. Pure. */
void guard_format_name(const struct mac *mac, char table[NFT_TABLE_MAX]);

/** guard_is_name() - is it a name that guard_format_name() makes? Pure. */
bool guard_is_name(const char *table);

/**
 * guard_make() - make the table of its own (nft_table_delete() deletes it)
 * @nl: socket of its owner
 *
 * Return: 0 or -errno.
 */
int guard_make(struct netlink *nl, const char *table);

/** guard_add_set() - add the set of uplinks to the table of @batch. */
void guard_add_set(struct nft_batch *batch);

/** guard_add_rule() - add the rule to a chain in the forward hook. */
void guard_add_rule(struct nft_batch *batch, const char *chain);

/** guard_add_link() - guard a link in one family. */
void guard_add_link(struct nft_batch *batch, sa_family_t family, unsigned int ifindex);

/** guard_delete_link() - do not guard it any more. */
void guard_delete_link(struct nft_batch *batch, sa_family_t family, unsigned int ifindex);
