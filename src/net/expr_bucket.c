// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * expr_bucket.c - statements that lead a packet to the chain of a bucket.
 */
#include "net/expr.h"

#include <string.h>

#include "net/expr_parts.h"

static void expr_bucket_vmap(struct nft_rule *rule, const char *map)
{
	struct nftnl_expr *expr = expr_add(rule, "lookup");

	expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	expr_set(rule, expr, NFTNL_EXPR_LOOKUP_SET, map, strlen(map) + 1);
}

void do_number_vmap(struct nft_rule *rule, bool is_random, uint32_t count, const char *map)
{
	struct nftnl_expr *expr = expr_add(rule, "numgen");

	expr_set_u32(expr, NFTNL_EXPR_NG_DREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_NG_MODULUS, count);
	expr_set_u32(expr, NFTNL_EXPR_NG_TYPE, is_random ? NFT_NG_RANDOM : NFT_NG_INCREMENTAL);
	expr_bucket_vmap(rule, map);
}

void do_source_vmap(struct nft_rule *rule, sa_family_t family, uint32_t count, uint32_t seed,
		    const char *map)
{
	struct nftnl_expr *expr;
	uint32_t length;

	match_nfproto(rule, family);
	length = expr_load_saddr(rule, family);
	expr = expr_add(rule, "hash");
	expr_set_u32(expr, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
	expr_set_u32(expr, NFTNL_EXPR_HASH_SREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_HASH_DREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_HASH_LEN, length);
	expr_set_u32(expr, NFTNL_EXPR_HASH_MODULUS, count);
	expr_set_u32(expr, NFTNL_EXPR_HASH_SEED, seed);
	expr_bucket_vmap(rule, map);
}
