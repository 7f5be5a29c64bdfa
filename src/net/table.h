/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - whole nftables tables of the family inet, by name.
 */
#pragma once

#include <stdbool.h>

#include "net/batch.h"
#include "net/netlink.h"

/** Room for the name of a table of ours. */
enum { NFT_TABLE_MAX = 32 };

/** nft_table_exists() - is there a table inet @name in this network namespace? */
bool nft_table_exists(const char *name);

/**
 * nft_table_delete() - delete the table inet @name
 * @nl: the NETLINK_NETFILTER socket that owns it; any, if it has no owner
 *
 * This returns earlier than close() of the owner's socket, which waits for a grace period of RCU
 * (nft_rcv_nl_event()), 20 ms: after a transaction, the kernel waits in the background.
 *
 * Return: 0, also if there is none; or -errno, for netlink_report().
 */
int nft_table_delete(struct netlink *nl, const char *name);
