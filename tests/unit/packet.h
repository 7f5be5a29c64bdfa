/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.h - what becomes of a packet in a parsed table: the kernel's nf_tables_core.c in small.
 *
 * A test says what shall happen to a packet, and need not know by which expressions it does. For an
 * expression that is not known here the test fails: add it to expr_run().
 */
#pragma once

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include "net/address.h"
#include "net/link.h"
#include "table.h"

/** A packet, and what the host knows of it. */
struct packet {
	const char *iif, *oif; /* NULL: none at this hook */
	uint32_t iif_index, oif_group;
	struct mac mac; /* of its sender, where it comes by a link */
	struct address from, to;
	uint8_t protocol;
	uint16_t port;    /* of the destination */
	bool to_local;    /* is @to an address of this host? */
	bool established; /* belongs to a connection that both sides know */
	bool translated;  /* belongs to one whose destination was translated */
	bool reply;       /* goes back to who has opened its connection */
	bool invalid;     /* belongs to none, though it looks so */
	bool untracked;   /* conntrack does not look at it */
};

enum packet_fate { PACKET_ACCEPTED, PACKET_DROPPED, PACKET_REFUSED };

struct packet_result {
	enum packet_fate fate;
	uint32_t refusal;     /* how: NFT_REJECT_* */
	uint8_t refusal_code; /* of ICMP: NFT_REJECT_ICMPX_* */
	struct address dnat;  /* AF_UNSPEC: none */
	uint16_t dnat_port;
	bool has_dnat_port;
	struct address snat; /* AF_UNSPEC: none */
	bool masqueraded;
	unsigned int lookups;  /* in sets and maps */
	unsigned int counters; /* that counted it */
};

/* A packet on its way. */
struct packet_run {
	const struct table *table;
	const struct packet *packet;
	uint8_t regs[16 * sizeof(uint32_t)];
	struct packet_place {
		const char *chain;
		size_t rule; /* the next one */
	} places[8];         /* the last one is where it is, those before are where it returns to */
	size_t depth;
	bool ended;
	struct packet_result result;
};

/* NFT_REG_1 and on are 16 bytes each, NFT_REG32_00 and on are the same in pieces of 4. */
static inline uint8_t *packet_reg(struct packet_run *run, uint32_t reg, size_t length)
{
	size_t at = reg >= NFT_REG32_00 ? 4 * (size_t)(reg - NFT_REG32_00)
					: 16 * (size_t)(reg - NFT_REG_1);

	assert_int_not_equal(reg, NFT_REG_VERDICT);
	assert_true(at + length <= sizeof(run->regs));
	return run->regs + at;
}

/* The kernel fills a register up to 4 bytes with zeros. */
static inline void packet_load(struct packet_run *run, uint32_t reg, const void *data,
			       size_t length)
{
	size_t padded = (length + 3) / 4 * 4;

	memset(packet_reg(run, reg, padded), 0, padded);
	memcpy(packet_reg(run, reg, length), data, length);
}

static inline void expr_run_meta(struct packet_run *run, const struct nftnl_expr *expr)
{
	uint32_t reg = nftnl_expr_get_u32(expr, NFTNL_EXPR_META_DREG);
	const struct packet *packet = run->packet;
	const uint16_t ether = ARPHRD_ETHER;
	char name[IFNAMSIZ] = "";
	uint8_t nfproto = packet->to.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	switch (nftnl_expr_get_u32(expr, NFTNL_EXPR_META_KEY)) {
	case NFT_META_IIFNAME:
		snprintf(name, sizeof(name), "%s", packet->iif ? packet->iif : "");
		packet_load(run, reg, name, sizeof(name));
		break;
	case NFT_META_OIFNAME:
		snprintf(name, sizeof(name), "%s", packet->oif ? packet->oif : "");
		packet_load(run, reg, name, sizeof(name));
		break;
	case NFT_META_IIF:
		packet_load(run, reg, &packet->iif_index, sizeof(packet->iif_index));
		break;
	case NFT_META_OIFGROUP:
		packet_load(run, reg, &packet->oif_group, sizeof(packet->oif_group));
		break;
	case NFT_META_IIFTYPE:
		packet_load(run, reg, &ether, sizeof(ether));
		break;
	case NFT_META_NFPROTO:
		packet_load(run, reg, &nfproto, sizeof(nfproto));
		break;
	case NFT_META_L4PROTO:
		packet_load(run, reg, &packet->protocol, sizeof(packet->protocol));
		break;
	default:
		fail_msg("meta key %u", nftnl_expr_get_u32(expr, NFTNL_EXPR_META_KEY));
	}
}

static inline void expr_run_payload(struct packet_run *run, const struct nftnl_expr *expr)
{
	const struct packet *packet = run->packet;
	const bool ipv6 = packet->to.family == AF_INET6;
	const size_t length = nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_LEN);
	const size_t offset = nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint8_t ethernet[14] = {0}, network[40] = {0}, transport[8] = {0};
	const uint8_t *header = network;
	size_t size = ipv6 ? 40 : 20;

	memcpy(network + (ipv6 ? 8 : 12), packet->from.bytes, ipv6 ? 16 : 4);
	memcpy(network + (ipv6 ? 24 : 16), packet->to.bytes, ipv6 ? 16 : 4);
	memcpy(ethernet + 6, packet->mac.octet, sizeof(packet->mac.octet));
	transport[2] = (uint8_t)(packet->port >> 8);
	transport[3] = (uint8_t)packet->port;
	if (nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_BASE) == NFT_PAYLOAD_TRANSPORT_HEADER) {
		header = transport;
		size = sizeof(transport);
	}
	if (nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_BASE) == NFT_PAYLOAD_LL_HEADER) {
		header = ethernet;
		size = sizeof(ethernet);
	}
	assert_in_range(length, 1, 16); /* of the kernel: no load of nothing */
	assert_true(offset + length <= size);
	packet_load(run, nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_DREG), header + offset,
		    length);
}

static inline void expr_run_fib(struct packet_run *run, const struct nftnl_expr *expr)
{
	uint32_t type = run->packet->to_local ? RTN_LOCAL : RTN_UNICAST;

	assert_int_equal(nftnl_expr_get_u32(expr, NFTNL_EXPR_FIB_RESULT), NFT_FIB_RESULT_ADDRTYPE);
	assert_int_equal(nftnl_expr_get_u32(expr, NFTNL_EXPR_FIB_FLAGS), NFTA_FIB_F_DADDR);
	packet_load(run, nftnl_expr_get_u32(expr, NFTNL_EXPR_FIB_DREG), &type, sizeof(type));
}

static inline void expr_run_bitwise(struct packet_run *run, const struct nftnl_expr *expr)
{
	uint32_t length, xor_length;
	const uint8_t *mask = nftnl_expr_get(expr, NFTNL_EXPR_BITWISE_MASK, &length);
	const uint8_t *flip = nftnl_expr_get(expr, NFTNL_EXPR_BITWISE_XOR, &xor_length);
	uint32_t from = nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_SREG);
	uint32_t to = nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_DREG);

	assert_int_equal(length, nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_LEN));
	assert_int_equal(length, xor_length);
	for (uint32_t i = 0; i < length; i++)
		packet_reg(run, to, length)[i] =
			(packet_reg(run, from, length)[i] & mask[i]) ^ flip[i];
}

/* Return: does the rule go on? */
static inline bool expr_run_cmp(struct packet_run *run, const struct nftnl_expr *expr)
{
	uint32_t length, op = nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_OP);
	const void *data = nftnl_expr_get(expr, NFTNL_EXPR_CMP_DATA, &length);
	uint32_t reg = nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_SREG);
	bool same;

	assert_true(length > 0);
	assert_true(op == NFT_CMP_EQ || op == NFT_CMP_NEQ);
	same = memcmp(packet_reg(run, reg, length), data, length) == 0;
	return same == (op == NFT_CMP_EQ);
}

static inline void packet_end(struct packet_run *run, enum packet_fate fate)
{
	run->result.fate = fate;
	run->ended = true;
}

/* Follows a verdict; none of these goes on with the rule. */
static inline void packet_verdict(struct packet_run *run, int verdict, const char *chain)
{
	switch (verdict) {
	case NF_DROP:
	case NF_ACCEPT:
		packet_end(run, verdict == NF_DROP ? PACKET_DROPPED : PACKET_ACCEPTED);
		return;
	case NFT_RETURN:
		run->depth--;
		return;
	case NFT_GOTO:
		run->depth--;
		break;
	case NFT_JUMP:
		break;
	default:
		fail_msg("verdict %d", verdict);
	}
	assert_true(table_has_chain(run->table, chain));
	assert_true(run->depth < COUNT(run->places));
	run->places[run->depth++] = (struct packet_place){.chain = chain};
}

/* Return: does the rule go on? */
static inline bool expr_run_lookup(struct packet_run *run, const struct nftnl_expr *expr)
{
	const struct nftnl_set *set =
		table_set(run->table, nftnl_expr_get_str(expr, NFTNL_EXPR_LOOKUP_SET));
	uint32_t length = nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN);
	uint32_t reg = nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_SREG);
	struct nftnl_set_elem *elem = set_element(set, packet_reg(run, reg, length), length);

	run->result.lookups++;
	if (nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_FLAGS) &&
	    nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV)
		return !elem;
	if (!elem || !nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_DREG))
		return elem;
	assert_int_equal(nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_DREG), NFT_REG_VERDICT);
	packet_verdict(run, (int)nftnl_set_elem_get_u32(elem, NFTNL_SET_ELEM_VERDICT),
		       nftnl_set_elem_get_str(elem, NFTNL_SET_ELEM_CHAIN));
	return false;
}

/* Return: does the rule go on? */
static inline bool expr_run_immediate(struct packet_run *run, const struct nftnl_expr *expr)
{
	uint32_t reg = nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_DREG), length;
	const void *data;

	if (reg == NFT_REG_VERDICT) {
		packet_verdict(run, (int)nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_VERDICT),
			       nftnl_expr_get_str(expr, NFTNL_EXPR_IMM_CHAIN));
		return false;
	}
	data = nftnl_expr_get(expr, NFTNL_EXPR_IMM_DATA, &length);
	packet_load(run, reg, data, length);
	return true;
}

static inline uint32_t packet_state(const struct packet *packet)
{
	if (packet->invalid)
		return NF_CT_STATE_INVALID_BIT;
	if (packet->untracked)
		return NF_CT_STATE_UNTRACKED_BIT;
	return NF_CT_STATE_BIT(packet->established ? IP_CT_ESTABLISHED : IP_CT_NEW);
}

/* Where there is no connection, there is a state, but nothing else of it: the rule does not match.
 */
static inline bool expr_run_ct(struct packet_run *run, const struct nftnl_expr *expr)
{
	const struct packet *packet = run->packet;
	uint32_t state = packet_state(packet);
	uint32_t status = packet->translated ? IPS_DST_NAT | IPS_DST_NAT_DONE : 0;
	uint8_t direction = packet->reply ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
	uint32_t reg = nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_DREG);

	switch (nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_KEY)) {
	case NFT_CT_STATE:
		packet_load(run, reg, &state, sizeof(state));
		return true;
	case NFT_CT_STATUS:
		packet_load(run, reg, &status, sizeof(status));
		break;
	case NFT_CT_DIRECTION:
		packet_load(run, reg, &direction, sizeof(direction));
		break;
	default:
		fail_msg("ct key %u", nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_KEY));
	}
	return !packet->invalid && !packet->untracked;
}

/* As nft_nat_setup_netmap() does: the source keeps the bits in which the ends of the range differ.
 */
static inline void packet_net_map(struct packet_run *run, const struct nftnl_expr *expr,
				  struct address *first)
{
	size_t length = address_length(first);
	const uint8_t *last =
		packet_reg(run, nftnl_expr_get_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MAX), length);

	assert_int_equal(nftnl_expr_get_u32(expr, NFTNL_EXPR_NAT_FLAGS), NF_NAT_RANGE_NETMAP);
	for (size_t i = 0; i < length; i++)
		first->bytes[i] |=
			run->packet->from.bytes[i] & (uint8_t)(first->bytes[i] ^ last[i]);
}

static inline void expr_run_nat(struct packet_run *run, const struct nftnl_expr *expr)
{
	uint32_t nfproto = nftnl_expr_get_u32(expr, NFTNL_EXPR_NAT_FAMILY);
	struct address to = {.family = nfproto == NFPROTO_IPV6 ? AF_INET6 : AF_INET};
	size_t length = address_length(&to);
	bool with_port = nftnl_expr_is_set(expr, NFTNL_EXPR_NAT_REG_PROTO_MIN);
	bool with_address = nftnl_expr_is_set(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN);
	const uint8_t *port;

	assert_int_equal(to.family, run->packet->to.family); /* or the kernel translates nothing */
	assert_true(with_address || with_port);
	to.prefix = (uint8_t)(8 * length);
	if (with_address)
		memcpy(to.bytes,
		       packet_reg(run, nftnl_expr_get_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN),
				  length),
		       length);
	if (nftnl_expr_get_u32(expr, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT) {
		if (with_address)
			run->result.dnat = to;
		if (with_port) {
			run->result.has_dnat_port = true;
			port = packet_reg(
				run, nftnl_expr_get_u32(expr, NFTNL_EXPR_NAT_REG_PROTO_MIN), 2);
			run->result.dnat_port = (uint16_t)(port[0] << 8 | port[1]);
		}
	} else {
		assert_false(with_port);
		if (nftnl_expr_is_set(expr, NFTNL_EXPR_NAT_REG_ADDR_MAX))
			packet_net_map(run, expr, &to);
		run->result.snat = to;
	}
	packet_end(run, PACKET_ACCEPTED);
}

static inline void expr_run_reject(struct packet_run *run, const struct nftnl_expr *expr)
{
	run->result.refusal = nftnl_expr_get_u32(expr, NFTNL_EXPR_REJECT_TYPE);
	run->result.refusal_code = nftnl_expr_get_u8(expr, NFTNL_EXPR_REJECT_CODE);
	packet_end(run, PACKET_REFUSED);
}

static inline void expr_run_masq(struct packet_run *run, const struct nftnl_expr *expr)
{
	assert_false(nftnl_expr_is_set(expr, NFTNL_EXPR_MASQ_REG_PROTO_MIN));
	run->result.masqueraded = true;
	packet_end(run, PACKET_ACCEPTED);
}

static inline void expr_run_counter(struct packet_run *run, const struct nftnl_expr *expr)
{
	assert_int_equal(nftnl_expr_get_u64(expr, NFTNL_EXPR_CTR_PACKETS), 0);
	run->result.counters++;
}

/* Return: does the rule go on? */
static inline bool expr_run(struct packet_run *run, const struct nftnl_expr *expr)
{
	static const struct {
		const char *name;
		void (*run)(struct packet_run *run, const struct nftnl_expr *expr);
		bool (*ask)(struct packet_run *run, const struct nftnl_expr *expr);
	} exprs[] = {
		{.name = "cmp", .ask = expr_run_cmp},
		{.name = "lookup", .ask = expr_run_lookup},
		{.name = "immediate", .ask = expr_run_immediate},
		{.name = "meta", .run = expr_run_meta},
		{.name = "payload", .run = expr_run_payload},
		{.name = "fib", .run = expr_run_fib},
		{.name = "ct", .ask = expr_run_ct},
		{.name = "bitwise", .run = expr_run_bitwise},
		{.name = "counter", .run = expr_run_counter},
		{.name = "nat", .run = expr_run_nat},
		{.name = "masq", .run = expr_run_masq},
		{.name = "reject", .run = expr_run_reject},
	};
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

	for (size_t i = 0; i < COUNT(exprs); i++) {
		if (strcmp(exprs[i].name, name) != 0)
			continue;
		if (exprs[i].ask)
			return exprs[i].ask(run, expr);
		exprs[i].run(run, expr);
		return !run->ended;
	}
	fail_msg("expression %s: packet.h does not know it", name);
	return false;
}

static inline void rule_run(struct packet_run *run, const struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	const struct nftnl_expr *expr;

	assert_non_null(iter);
	memset(run->regs, 0xa5, sizeof(run->regs)); /* no rule may rely on what another left */
	while ((expr = nftnl_expr_iter_next(iter)) && expr_run(run, expr))
		;
	nftnl_expr_iter_destroy(iter);
}

/** packet_pass() - what becomes of the packet in the base chain of @type on @hook; it must exist.
 */
static inline struct packet_result packet_pass(const struct table *table, const char *type,
					       uint32_t hook, const struct packet *packet)
{
	const struct nftnl_chain *chain = table_base_chain(table, type, hook);
	struct packet_run run = {.table = table, .packet = packet, .depth = 1};

	assert_non_null(chain);
	run.places[0].chain = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME);
	while (run.depth > 0 && !run.ended) {
		struct packet_place *place = &run.places[run.depth - 1];
		const struct nftnl_rule *rule = table_rule(table, place->chain, place->rule++);

		if (rule)
			rule_run(&run, rule);
		else
			run.depth--;
	}
	return run.result;
}
