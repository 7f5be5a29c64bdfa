// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * expr_ct.c - matches that ask conntrack for a packet's connection.
 */
#include "net/expr.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>

#include "net/expr_parts.h"

static struct nftnl_expr *expr_load_ct(struct nft_rule *rule, uint32_t key)
{
	struct nftnl_expr *expr = expr_add(rule, "ct");

	expr_set_u32(expr, NFTNL_EXPR_CT_KEY, key);
	expr_set_u32(expr, NFTNL_EXPR_CT_DREG, REG_FIRST);
	return expr;
}

/* `ct KEY BITS`: is any of the bits set? */
static void match_ct_bits(struct nft_rule *rule, uint32_t key, uint32_t bits)
{
	static const uint32_t zero;

	expr_load_ct(rule, key);
	expr_mask(rule, &bits, &zero, sizeof(bits));
	expr_cmp(rule, false, &zero, sizeof(zero));
}

void match_ct_established(struct nft_rule *rule)
{
	match_ct_bits(rule, NFT_CT_STATE,
		      NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
}

void match_ct_none(struct nft_rule *rule)
{
	match_ct_bits(rule, NFT_CT_STATE, NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT);
}

void match_ct_dnat(struct nft_rule *rule)
{
	match_ct_bits(rule, NFT_CT_STATUS, IPS_DST_NAT);
}

void match_ct_reply(struct nft_rule *rule)
{
	uint8_t direction = IP_CT_DIR_REPLY;

	expr_load_ct(rule, NFT_CT_DIRECTION);
	expr_cmp(rule, true, &direction, sizeof(direction));
}

void match_ct_daddr(struct nft_rule *rule, const struct address *address)
{
	struct nftnl_expr *expr;

	match_nfproto(rule, address->family);
	expr = expr_load_ct(rule, address->family == AF_INET6 ? NFT_CT_DST_IP6 : NFT_CT_DST_IP);
	if (expr)
		nftnl_expr_set_u8(expr, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
	expr_cmp(rule, true, address->bytes, address_length(address));
}
