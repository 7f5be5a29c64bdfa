/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset.h - the contents of the nftables table. Pure: builds messages, sends none.
 */
#pragma once

#include "net/batch.h"
#include "net/nat.h"

/** Names of the table's sets. */
#define RULESET_PUBLISHED \
	"published"                 /* verdict map: protocol and host port -> chain of a backend */
#define RULESET_RESERVED "reserved" /* protocol and host port: all that this run holds */

/** ruleset_add_all() - the table with all that is in it whatever there is to map. */
void ruleset_add_all(struct nft_batch *batch, const struct nat_config *config);

/** ruleset_add_backend() - a backend's chain, with a rule for each family that it has. */
void ruleset_add_backend(struct nft_batch *batch, const struct nat_backend *backend);

/** ruleset_add_backend_ipv6() - the rule for IPv6 alone. */
void ruleset_add_backend_ipv6(struct nft_batch *batch, const struct nat_backend *backend);
