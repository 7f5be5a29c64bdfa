/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expr_parts.h - single expressions, of which the statements of expr.h consist. For those files
 * only that define these.
 */
#pragma once

#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>
#include <stddef.h>

#include "net/expr.h"

/** Registers of 16 bytes. Matches use the first one. */
enum { REG_FIRST = NFT_REG_1, REG_SECOND = NFT_REG_2 };

/** expr_add() - put an expression at the end. Return: NULL if that failed, as @rule remembers. */
struct nftnl_expr *expr_add(struct nft_rule *rule, const char *name);

/** expr_set_u32() - set an attribute. @expr may be NULL. */
void expr_set_u32(struct nftnl_expr *expr, uint16_t attr, uint32_t value);

/** expr_set() - set an attribute of @length bytes. @expr may be NULL. */
void expr_set(struct nft_rule *rule, struct nftnl_expr *expr, uint16_t attr, const void *data,
	      size_t length);

/** expr_load_meta() - load a NFT_META_* into a register. */
void expr_load_meta(struct nft_rule *rule, uint32_t key, uint32_t reg);

/** expr_immediate() - load @length bytes of @data into a register. */
void expr_immediate(struct nft_rule *rule, uint32_t reg, const void *data, size_t length);

/** expr_load_saddr() - load the source address into REG_FIRST. Return: its length. */
uint32_t expr_load_saddr(struct nft_rule *rule, sa_family_t family);

/** expr_cmp() - go on only if REG_FIRST is equal to @data, or only if it is not. */
void expr_cmp(struct nft_rule *rule, bool is_equal, const void *data, size_t length);

/** expr_mask() - REG_FIRST &= @mask. @zero: @length zeros. */
void expr_mask(struct nft_rule *rule, const void *mask, const void *zero, size_t length);
