// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * firewall_rule.c - the expressions of a rule, those of iptables-nft (xt) among them.
 *
 * An expression that compares or looks something up is about what was loaded last. Whatever is not
 * known here narrows the rule: better to name a chain that lets us through than to keep quiet about
 * one that does not.
 */
#include "net/firewall_rule.h"

#include <netinet/in.h> /* before the kernel's headers, which leave out what it has */

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <stddef.h>
#include <string.h>

enum {
	STATE_NEW = NF_CT_STATE_BIT(IP_CT_NEW),
	STATE_ESTABLISHED = NF_CT_STATE_BIT(IP_CT_ESTABLISHED),
	STATE_RELATED = NF_CT_STATE_BIT(IP_CT_RELATED),

	IPV4_PROTOCOL = 9, /* RFC 791: where the header has it */
};

enum firewall_load {
	LOAD_OTHER,
	LOAD_LINK_INDEX,
	LOAD_LINK_NAME,
	LOAD_NFPROTO,
	LOAD_L4PROTO,
	LOAD_STATE,
	LOAD_STATUS,
};

struct firewall_reading {
	struct firewall_rule *rule;
	const struct firewall_links *links;
	enum firewall_load last;
	uint32_t mask; /* of what was loaded last */
	void (*on_chain)(void *data, const char *chain);
	void *data;
};

static void firewall_load(struct firewall_reading *reading, enum firewall_load load)
{
	reading->last = load;
	reading->mask = UINT32_MAX;
	reading->rule->matches = true;
	if (load == LOAD_OTHER)
		reading->rule->narrows = true;
}

/* ---- Loads: one that is none (`meta mark set`) says nothing ---- */

static void firewall_on_meta(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	if (!nftnl_expr_is_set(expr, NFTNL_EXPR_META_DREG))
		return;
	switch (nftnl_expr_get_u32(expr, NFTNL_EXPR_META_KEY)) {
	case NFT_META_IIF:
	case NFT_META_OIF:
		firewall_load(reading, LOAD_LINK_INDEX);
		break;
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
		firewall_load(reading, LOAD_LINK_NAME);
		break;
	case NFT_META_NFPROTO:
		firewall_load(reading, LOAD_NFPROTO);
		break;
	case NFT_META_L4PROTO:
		firewall_load(reading, LOAD_L4PROTO);
		break;
	default:
		firewall_load(reading, LOAD_OTHER);
	}
}

static void firewall_on_ct(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	uint32_t key = nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_KEY);

	if (!nftnl_expr_is_set(expr, NFTNL_EXPR_CT_DREG))
		return;
	if (key == NFT_CT_STATE)
		firewall_load(reading, LOAD_STATE);
	else if (key == NFT_CT_STATUS)
		firewall_load(reading, LOAD_STATUS);
	else
		firewall_load(reading, LOAD_OTHER);
}

static void firewall_on_payload(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	bool is_protocol =
		nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_BASE) == NFT_PAYLOAD_NETWORK_HEADER &&
		nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET) == IPV4_PROTOCOL &&
		nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_LEN) == 1;

	if (nftnl_expr_is_set(expr, NFTNL_EXPR_PAYLOAD_DREG))
		firewall_load(reading, is_protocol ? LOAD_L4PROTO : LOAD_OTHER);
}

/* ---- What is asked of it ---- */

static void firewall_on_bitwise(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	uint32_t length = 0;
	const void *mask = nftnl_expr_get(expr, NFTNL_EXPR_BITWISE_MASK, &length);

	if (mask && length == sizeof(reading->mask))
		memcpy(&reading->mask, mask, sizeof(reading->mask));
}

/* A name that is shorter than the register, and does not end: `iifname "uva*"`. */
static bool firewall_is_name(const char *name, const void *value, uint32_t length)
{
	char padded[IFNAMSIZ] = "";

	strncpy(padded, name, sizeof(padded) - 1);
	return value && length > 0 && length <= sizeof(padded) &&
	       memcmp(value, padded, length) == 0;
}

static void firewall_compare_link(struct firewall_reading *reading, bool is_equal, bool is_bridge,
				  bool is_lo)
{
	struct firewall_rule *rule = reading->rule;

	if (is_equal) {
		rule->names_bridge = rule->names_bridge || is_bridge;
		rule->names_lo = rule->names_lo || is_lo;
		rule->narrows = rule->narrows || (!is_bridge && !is_lo);
	} else {
		rule->narrows = rule->narrows || is_bridge;
	}
}

static uint32_t firewall_number(const void *value, uint32_t length)
{
	uint32_t number = 0;

	memcpy(&number, value, length < sizeof(number) ? length : sizeof(number));
	return number;
}

/* `ct state new`: a mask, and not 0. `ct state == new`: the value itself. */
static uint32_t firewall_bits(const struct firewall_reading *reading, bool is_equal, uint32_t value)
{
	if (is_equal)
		return value;
	return value == 0 ? reading->mask : ~value;
}

static void firewall_name_states(struct firewall_rule *rule, uint32_t states)
{
	rule->names_state = true;
	rule->states &= states;
}

static void firewall_on_cmp(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	const struct firewall_links *links = reading->links;
	struct firewall_rule *rule = reading->rule;
	bool is_equal = nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ;
	uint32_t length = 0;
	const void *value = nftnl_expr_get(expr, NFTNL_EXPR_CMP_DATA, &length);
	uint32_t number = value ? firewall_number(value, length) : 0;

	switch (reading->last) {
	case LOAD_LINK_INDEX:
		firewall_compare_link(reading, is_equal, number == links->bridge_index,
				      number == links->lo_index);
		break;
	case LOAD_LINK_NAME:
		firewall_compare_link(reading, is_equal,
				      firewall_is_name(links->bridge, value, length),
				      firewall_is_name("lo", value, length));
		break;
	case LOAD_NFPROTO:
		rule->narrows = rule->narrows || is_equal != (number == NFPROTO_IPV4);
		break;
	case LOAD_L4PROTO:
		rule->narrows = rule->narrows || is_equal != (number == IPPROTO_TCP);
		break;
	case LOAD_STATE:
		firewall_name_states(rule, firewall_bits(reading, is_equal, number));
		break;
	case LOAD_STATUS:
		if (firewall_bits(reading, is_equal, number) & IPS_DST_NAT)
			rule->names_dnat = true;
		else
			rule->narrows = true;
		break;
	case LOAD_OTHER:
		break;
	}
}

/* What is in the set is not read, but guessed. */
static void firewall_on_lookup(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	bool is_vmap = nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_DREG);

	switch (reading->last) {
	case LOAD_STATE: /* ct state vmap { established : accept, related : accept, ... } */
		firewall_name_states(reading->rule, STATE_ESTABLISHED | STATE_RELATED);
		reading->rule->accepts = reading->rule->accepts || is_vmap;
		break;
	case LOAD_NFPROTO:
	case LOAD_L4PROTO: /* meta l4proto { tcp, udp } */
		break;
	default:
		reading->rule->narrows = true;
	}
}

/* ---- Those of iptables-nft ---- */

/* -m conntrack --ctstate RELATED,ESTABLISHED; of the states, DNAT is a status. */
static void firewall_on_conntrack(struct firewall_rule *rule, const void *data, uint32_t length)
{
	/* Later revisions only add to the end. */
	const struct xt_conntrack_mtinfo2 *info = data;
	bool is_inverted, names_dnat;

	/* The alias: -m state. */
	if (length < sizeof(*info) ||
	    (info->match_flags & ~XT_CONNTRACK_STATE_ALIAS) != XT_CONNTRACK_STATE) {
		rule->narrows = true;
		return;
	}
	is_inverted = info->invert_flags;
	names_dnat = info->state_mask & XT_CONNTRACK_STATE_DNAT;
	if (names_dnat) {
		rule->names_dnat = rule->names_dnat || !is_inverted;
		rule->narrows = rule->narrows || is_inverted;
	} else {
		firewall_name_states(rule,
				     is_inverted ? ~(uint32_t)info->state_mask : info->state_mask);
	}
}

static void firewall_on_match(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_MT_NAME);
	struct firewall_rule *rule = reading->rule;
	uint32_t length = 0;
	const void *info = nftnl_expr_get(expr, NFTNL_EXPR_MT_INFO, &length);

	if (name && strcmp(name, "comment") == 0)
		return;
	rule->matches = true;
	if (name && info && strcmp(name, "conntrack") == 0 &&
	    nftnl_expr_get_u32(expr, NFTNL_EXPR_MT_REV) >= 2)
		firewall_on_conntrack(rule, info, length);
	else if (name && info && strcmp(name, "state") == 0 &&
		 length >= sizeof(struct xt_state_info))
		firewall_name_states(rule, ((const struct xt_state_info *)info)->statemask);
	else
		rule->narrows = true;
}

/* All others go on to the next rule: LOG, MARK, ... */
static void firewall_on_target(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);

	if (name && (strcmp(name, "REJECT") == 0 || strcmp(name, "DROP") == 0))
		reading->rule->drops = true;
}

/* ---- Verdicts, and all together ---- */

static void firewall_on_immediate(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	uint32_t verdict = nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_VERDICT);
	const char *chain = nftnl_expr_get_str(expr, NFTNL_EXPR_IMM_CHAIN);
	struct firewall_rule *rule = reading->rule;

	if (!nftnl_expr_is_set(expr, NFTNL_EXPR_IMM_VERDICT))
		return;
	rule->accepts = rule->accepts || verdict == NF_ACCEPT;
	rule->drops = rule->drops || verdict == NF_DROP;
	if (chain)
		reading->on_chain(reading->data, chain);
}

static void firewall_on_reject(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	(void)expr;
	reading->rule->drops = true;
}

static void firewall_on_nothing(struct firewall_reading *reading, const struct nftnl_expr *expr)
{
	(void)reading;
	(void)expr;
}

static int firewall_on_expr(struct nftnl_expr *expr, void *data)
{
	static const struct {
		const char *name;
		void (*read)(struct firewall_reading *reading, const struct nftnl_expr *expr);
	} known[] = {
		{"meta", firewall_on_meta},
		{"ct", firewall_on_ct},
		{"payload", firewall_on_payload},
		{"bitwise", firewall_on_bitwise},
		{"cmp", firewall_on_cmp},
		{"lookup", firewall_on_lookup},
		{"immediate", firewall_on_immediate},
		{"reject", firewall_on_reject},
		{"match", firewall_on_match},
		{"target", firewall_on_target},
		{"counter", firewall_on_nothing},
		{"log", firewall_on_nothing},
		{"last", firewall_on_nothing},
		{"notrack", firewall_on_nothing},
	};
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0) {
			known[i].read(data, expr);
			return 0;
		}
	firewall_load(data, LOAD_OTHER); /* fib, limit, range, ... */
	return 0;
}

void firewall_rule_read(const struct nftnl_rule *rule, const struct firewall_links *links,
			void (*on_chain)(void *data, const char *chain), void *data,
			struct firewall_rule *ret)
{
	struct firewall_reading reading = {
		.rule = ret, .links = links, .on_chain = on_chain, .data = data};

	*ret = (struct firewall_rule){.states = UINT32_MAX};
	nftnl_expr_foreach((struct nftnl_rule *)rule, firewall_on_expr, &reading);
}

bool firewall_rule_lets_us(const struct firewall_rule *rule, uint32_t hook)
{
	bool is_for_us = rule->names_dnat && !rule->narrows;

	if (!rule->accepts)
		return false;
	switch (hook) {
	case NF_INET_LOCAL_IN:
		return rule->states & STATE_ESTABLISHED && !rule->narrows && !rule->names_lo &&
		       (rule->names_bridge || rule->names_state);
	case NF_INET_LOCAL_OUT:
		is_for_us = is_for_us || (rule->names_lo && !rule->narrows);
		break;
	default:
		break;
	}
	return rule->states & STATE_NEW && (rule->names_bridge || is_for_us);
}
