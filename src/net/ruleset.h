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

/** ruleset_add_all() - the whole table, without any backend. */
void ruleset_add_all(struct nft_batch *batch, const struct nat_config *config);

/** ruleset_add_backend() - a backend's chain, with a rule for each family that it has. */
void ruleset_add_backend(struct nft_batch *batch, const struct nat_backend *backend);

/** ruleset_add_backend_ipv6() - only the rule for IPv6. */
void ruleset_add_backend_ipv6(struct nft_batch *batch, const struct nat_backend *backend);
