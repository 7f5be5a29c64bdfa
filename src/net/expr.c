// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * expr.c - nft's statements as libnftnl expressions.
 *
 * They are the same sequences that nft itself makes (`nft --debug=netlink`), so that
 * `nft list ruleset` can show them in its own syntax.
 */
#include "net/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "net/expr_parts.h"

enum {
	/* NFT_REG_1 has 16 bytes; the second part of a concatenation starts at byte 4 */
	REG_FIRST_PART_2 = NFT_REG32_01,
	REG_FIRST_PART_3 = NFT_REG32_02,

	ETHER_SADDR = 6,
	IPV4_SADDR = 12, /* RFC 791 */
	IPV4_DADDR = 16,
	IPV6_SADDR = 8, /* RFC 8200 */
	IPV6_DADDR = 24,
	TH_DPORT = 2, /* TCP and UDP alike */
};

struct nftnl_expr *expr_add(struct nft_rule *rule, const char *name)
{
	struct nftnl_expr *expr = rule->failed ? NULL : nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(rule->rule, expr);
	else
		rule->failed = true;
	return expr;
}

void expr_set_u32(struct nftnl_expr *expr, uint16_t attr, uint32_t value)
{
	if (expr)
		nftnl_expr_set_u32(expr, attr, value);
}

void expr_set(struct nft_rule *rule, struct nftnl_expr *expr, uint16_t attr, const void *data,
	      size_t length)
{
	if (expr && nftnl_expr_set(expr, attr, data, (uint32_t)length) < 0)
		rule->failed = true;
}

void expr_load_meta(struct nft_rule *rule, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *expr = expr_add(rule, "meta");

	expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	expr_set_u32(expr, NFTNL_EXPR_META_DREG, reg);
}

static void expr_load_payload(struct nft_rule *rule, uint32_t base, uint32_t offset,
			      uint32_t length, uint32_t reg)
{
	struct nftnl_expr *expr = expr_add(rule, "payload");

	expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, reg);
	expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
	expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, length);
}

uint32_t expr_load_saddr(struct nft_rule *rule, sa_family_t family)
{
	const struct address address = {.family = family};
	uint32_t length = (uint32_t)address_length(&address);

	expr_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
			  family == AF_INET6 ? IPV6_SADDR : IPV4_SADDR, length, REG_FIRST);
	return length;
}

void expr_cmp(struct nft_rule *rule, bool is_equal, const void *data, size_t length)
{
	struct nftnl_expr *expr = expr_add(rule, "cmp");

	expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_CMP_OP, is_equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
	expr_set(rule, expr, NFTNL_EXPR_CMP_DATA, data, length);
}

void expr_immediate(struct nft_rule *rule, uint32_t reg, const void *data, size_t length)
{
	struct nftnl_expr *expr = expr_add(rule, "immediate");

	expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, reg);
	expr_set(rule, expr, NFTNL_EXPR_IMM_DATA, data, length);
}

/* @chain: the chain of a goto; NULL for other verdicts. */
static void expr_verdict(struct nft_rule *rule, int verdict, const char *chain)
{
	struct nftnl_expr *expr = expr_add(rule, "immediate");

	expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	if (chain)
		expr_set(rule, expr, NFTNL_EXPR_IMM_CHAIN, chain, strlen(chain) + 1);
}

void expr_mask(struct nft_rule *rule, const void *mask, const void *zero, size_t length)
{
	struct nftnl_expr *expr = expr_add(rule, "bitwise");

	expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, (uint32_t)length);
	expr_set(rule, expr, NFTNL_EXPR_BITWISE_MASK, mask, length);
	expr_set(rule, expr, NFTNL_EXPR_BITWISE_XOR, zero, length);
}

static void match_ifname(struct nft_rule *rule, uint32_t key, const char *name, bool is_equal)
{
	char padded[IFNAMSIZ] = "";

	strncpy(padded, name, sizeof(padded) - 1);
	expr_load_meta(rule, key, REG_FIRST);
	expr_cmp(rule, is_equal, padded, sizeof(padded));
}

void match_iifname(struct nft_rule *rule, const char *name, bool is_equal)
{
	match_ifname(rule, NFT_META_IIFNAME, name, is_equal);
}

void match_oifname(struct nft_rule *rule, const char *name, bool is_equal)
{
	match_ifname(rule, NFT_META_OIFNAME, name, is_equal);
}

void match_nfproto(struct nft_rule *rule, sa_family_t family)
{
	uint8_t nfproto = family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	expr_load_meta(rule, NFT_META_NFPROTO, REG_FIRST);
	expr_cmp(rule, true, &nfproto, sizeof(nfproto));
}

void match_l4proto(struct nft_rule *rule, uint8_t protocol)
{
	expr_load_meta(rule, NFT_META_L4PROTO, REG_FIRST);
	expr_cmp(rule, true, &protocol, sizeof(protocol));
}

static void match_address(struct nft_rule *rule, uint32_t offset, const struct address *network,
			  bool is_equal)
{
	static const uint8_t zero[sizeof(network->bytes)];
	uint8_t mask[sizeof(network->bytes)] = {0};
	size_t length = address_length(network);

	match_nfproto(rule, network->family);
	if (network->prefix % 8 == 0) {
		/* whole bytes: like nft, load only these, without a mask */
		length = network->prefix / 8;
		expr_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offset, (uint32_t)length,
				  REG_FIRST);
		expr_cmp(rule, is_equal, network->bytes, length);
		return;
	}
	for (size_t bit = 0; bit < network->prefix; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	expr_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offset, (uint32_t)length, REG_FIRST);
	expr_mask(rule, mask, zero, length);
	expr_cmp(rule, is_equal, network->bytes, length);
}

void match_saddr(struct nft_rule *rule, const struct address *network, bool is_equal)
{
	match_address(rule, network->family == AF_INET6 ? IPV6_SADDR : IPV4_SADDR, network,
		      is_equal);
}

void match_daddr(struct nft_rule *rule, const struct address *network, bool is_equal)
{
	match_address(rule, network->family == AF_INET6 ? IPV6_DADDR : IPV4_DADDR, network,
		      is_equal);
}

void match_daddr_local(struct nft_rule *rule, bool is_equal)
{
	struct nftnl_expr *expr = expr_add(rule, "fib");
	uint32_t local = RTN_LOCAL;

	expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	expr_cmp(rule, is_equal, &local, sizeof(local));
}

/* @family: of the address between the protocol and the port; AF_UNSPEC: there is none. */
static void expr_lookup_port(struct nft_rule *rule, sa_family_t family, const char *set,
			     bool is_map)
{
	const struct address address = {.family = family};
	uint32_t part = REG_FIRST_PART_2;
	struct nftnl_expr *expr;

	if (family != AF_UNSPEC)
		match_nfproto(rule, family);
	expr_load_meta(rule, NFT_META_L4PROTO, REG_FIRST);
	if (family != AF_UNSPEC) {
		expr_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
				  family == AF_INET6 ? IPV6_DADDR : IPV4_DADDR,
				  (uint32_t)address_length(&address), part);
		part += (uint32_t)(address_length(&address) / sizeof(uint32_t));
	}
	expr_load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TH_DPORT, sizeof(uint16_t), part);
	expr = expr_add(rule, "lookup");
	expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REG_FIRST);
	if (is_map)
		expr_set_u32(expr, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	expr_set(rule, expr, NFTNL_EXPR_LOOKUP_SET, set, strlen(set) + 1);
}

void match_link_in(struct nft_rule *rule, const char *set)
{
	struct nftnl_expr *expr;

	expr_load_meta(rule, NFT_META_NFPROTO, REG_FIRST);
	expr_load_meta(rule, NFT_META_IIF, REG_FIRST_PART_2);
	expr = expr_add(rule, "lookup");
	expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REG_FIRST);
	expr_set(rule, expr, NFTNL_EXPR_LOOKUP_SET, set, strlen(set) + 1);
}

void match_mark(struct nft_rule *rule, uint32_t mark)
{
	expr_load_meta(rule, NFT_META_MARK, REG_FIRST);
	expr_cmp(rule, true, &mark, sizeof(mark));
}

void match_oifgroup(struct nft_rule *rule, uint32_t mask, uint32_t group, bool is_equal)
{
	static const uint32_t zero;

	expr_load_meta(rule, NFT_META_OIFGROUP, REG_FIRST);
	expr_mask(rule, &mask, &zero, sizeof(mask));
	expr_cmp(rule, is_equal, &group, sizeof(group));
}

void match_sender_not_in(struct nft_rule *rule, sa_family_t family, const char *set)
{
	static const uint16_t ether = ARPHRD_ETHER;
	const struct address address = {.family = family};
	struct nftnl_expr *expr;

	match_nfproto(rule, family);
	expr_load_meta(rule, NFT_META_IIFTYPE, REG_FIRST);
	expr_cmp(rule, true, &ether, sizeof(ether));
	expr_load_payload(rule, NFT_PAYLOAD_LL_HEADER, ETHER_SADDR, ETH_ALEN, REG_FIRST);
	expr_load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
			  family == AF_INET6 ? IPV6_SADDR : IPV4_SADDR,
			  (uint32_t)address_length(&address), REG_FIRST_PART_3);
	expr = expr_add(rule, "lookup");
	expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REG_FIRST);
	expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	expr_set(rule, expr, NFTNL_EXPR_LOOKUP_SET, set, strlen(set) + 1);
}

void match_port_in(struct nft_rule *rule, const char *set)
{
	expr_lookup_port(rule, AF_UNSPEC, set, false);
}

void match_bound_port_in(struct nft_rule *rule, sa_family_t family, const char *set)
{
	expr_lookup_port(rule, family, set, false);
}

void do_port_vmap(struct nft_rule *rule, const char *map)
{
	expr_lookup_port(rule, AF_UNSPEC, map, true);
}

void do_bound_port_vmap(struct nft_rule *rule, sa_family_t family, const char *map)
{
	expr_lookup_port(rule, family, map, true);
}

void do_counter(struct nft_rule *rule)
{
	expr_add(rule, "counter");
}

void do_mark(struct nft_rule *rule, uint32_t mark)
{
	struct nftnl_expr *expr;

	expr_immediate(rule, REG_FIRST, &mark, sizeof(mark));
	expr = expr_add(rule, "meta");
	expr_set_u32(expr, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	expr_set_u32(expr, NFTNL_EXPR_META_SREG, REG_FIRST);
}

void do_goto(struct nft_rule *rule, const char *chain)
{
	expr_verdict(rule, NFT_GOTO, chain);
}

void do_return(struct nft_rule *rule)
{
	expr_verdict(rule, NFT_RETURN, NULL);
}

void do_accept(struct nft_rule *rule)
{
	expr_verdict(rule, NF_ACCEPT, NULL);
}

void do_drop(struct nft_rule *rule)
{
	expr_verdict(rule, NF_DROP, NULL);
}

void do_reject_tcp(struct nft_rule *rule)
{
	expr_set_u32(expr_add(rule, "reject"), NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_TCP_RST);
}

void do_reject(struct nft_rule *rule)
{
	struct nftnl_expr *expr = expr_add(rule, "reject");

	expr_set_u32(expr, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	if (expr)
		nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
}
