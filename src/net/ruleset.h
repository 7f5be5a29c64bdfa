/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.h - the contents of the nftables table. Pure: it builds messages, but sends none.
 */
#pragma once

#include "net/batch.h"
#include "net/nat.h"

/** Names of the table's sets. */
#define RULESET_PUBLISHED \
	"published"                 /* verdict map: protocol and host port -> chain of a backend */
#define RULESET_RESERVED "reserved" /* set: protocol and host port of all ports of this run */
#define RULESET_SENDERS  "senders"  /* MAC and IPv4 address: who may send from behind the bridge */
#define RULESET_SENDERS6 "senders6" /* the same for IPv6 */
#define RULESET_DRAINING "draining" /* IPv4 addresses, for who reads the table; in no rule */

/** ruleset_add_all() - the whole table, without any backend. */
void ruleset_add_all(struct nft_batch *batch, const struct nat_config *config);

/** ruleset_add_backend() - a backend's chain, with a rule for each family that it has. */
void ruleset_add_backend(struct nft_batch *batch, const struct nat_backend *backend);

/**
 * ruleset_put_sender() - let somebody behind the bridge send by its own addresses, of IPv6 its
 * link-local one too; or let it send no more if not @is_in
 */
void ruleset_put_sender(struct nft_batch *batch, const struct nat_sender *sender, bool is_in);

/** ruleset_add_backend_ipv6() - only the rule for IPv6. */
void ruleset_add_backend_ipv6(struct nft_batch *batch, const struct nat_backend *backend);
