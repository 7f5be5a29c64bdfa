// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * expr_nat.c - statements that translate addresses.
 */
#include "net/expr.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>

#include "net/expr_parts.h"

static struct nftnl_expr *expr_nat(struct nft_rule *rule, uint32_t type, sa_family_t family)
{
	struct nftnl_expr *expr = expr_add(rule, "nat");

	expr_set_u32(expr, NFTNL_EXPR_NAT_TYPE, type);
	expr_set_u32(expr, NFTNL_EXPR_NAT_FAMILY, family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	return expr;
}

static void expr_load_port(struct nft_rule *rule, uint32_t reg, uint16_t port)
{
	uint16_t network_port = htons(port);

	expr_immediate(rule, reg, &network_port, sizeof(network_port));
}

static void expr_nat_port(struct nftnl_expr *expr, uint32_t reg)
{
	expr_set_u32(expr, NFTNL_EXPR_NAT_REG_PROTO_MIN, reg);
	expr_set_u32(expr, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
}

void do_dnat(struct nft_rule *rule, const struct address *to, uint16_t port)
{
	struct nftnl_expr *expr;

	expr_load_port(rule, REG_SECOND, port);
	expr_immediate(rule, REG_FIRST, to->bytes, address_length(to));
	expr = expr_nat(rule, NFT_NAT_DNAT, to->family);
	expr_set_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG_FIRST);
	expr_nat_port(expr, REG_SECOND);
}

void do_dnat_port(struct nft_rule *rule, sa_family_t family, uint16_t port)
{
	expr_load_port(rule, REG_FIRST, port);
	expr_nat_port(expr_nat(rule, NFT_NAT_DNAT, family), REG_FIRST);
}

void do_snat(struct nft_rule *rule, const struct address *to)
{
	struct nftnl_expr *expr;

	expr_immediate(rule, REG_FIRST, to->bytes, address_length(to));
	expr = expr_nat(rule, NFT_NAT_SNAT, to->family);
	expr_set_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG_FIRST);
}

void do_snat_prefix(struct nft_rule *rule, const struct address *to)
{
	struct address last = address_last(to);
	struct nftnl_expr *expr;

	expr_immediate(rule, REG_FIRST, to->bytes, address_length(to));
	expr_immediate(rule, REG_SECOND, last.bytes, address_length(to));
	expr = expr_nat(rule, NFT_NAT_SNAT, to->family);
	expr_set_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MAX, REG_SECOND);
	expr_set_u32(expr, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_NETMAP);
}

void do_masquerade(struct nft_rule *rule)
{
	expr_add(rule, "masq");
}
