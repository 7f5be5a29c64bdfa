// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_firewall_rule.c - rules of other firewalls, as nft and iptables-nft write them, and whether
 * they let our packets pass.
 */
#include "net/firewall_rule.h"

#include <netinet/in.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <string.h>

#include "net/expr.h"
#include "unit.h"

enum { BRIDGE = 7, LO = 1, NEW = NF_CT_STATE_BIT(IP_CT_NEW) };

static const struct firewall_links LINKS = {
	.bridge = "uva0", .bridge_index = BRIDGE, .lo_index = LO};

static struct nft_rule rule_new(void)
{
	struct nft_rule rule = {.rule = nftnl_rule_alloc()};

	assert_non_null(rule.rule);
	return rule;
}

static struct nftnl_expr *rule_add(struct nft_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	assert_non_null(expr);
	nftnl_rule_add_expr(rule->rule, expr);
	return expr;
}

static void add_cmp(struct nft_rule *rule, const void *data, uint32_t length)
{
	struct nftnl_expr *expr = rule_add(rule, "cmp");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, length);
}

static void add_meta(struct nft_rule *rule, uint32_t key, const void *data, uint32_t length)
{
	struct nftnl_expr *expr = rule_add(rule, "meta");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
	add_cmp(rule, data, length);
}

static void add_number(struct nft_rule *rule, uint32_t key, uint32_t number)
{
	add_meta(rule, key, &number, sizeof(number));
}

/* libnftnl keeps, and frees, the copy itself. */
static void add_xt(struct nft_rule *rule, const char *match, const void *info, uint32_t length)
{
	struct nftnl_expr *expr = rule_add(rule, "match");
	void *copy = calloc(1, length ? length : 1);

	assert_non_null(copy);
	if (length)
		memcpy(copy, info, length);
	nftnl_expr_set_str(expr, NFTNL_EXPR_MT_NAME, match);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_MT_REV, 3);
	nftnl_expr_set(expr, NFTNL_EXPR_MT_INFO, copy, length);
} /* NOLINT(clang-analyzer-unix.Malloc) */

static void add_ctstate(struct nft_rule *rule, uint16_t states, bool is_inverted)
{
	struct xt_conntrack_mtinfo3 info = {
		.match_flags = XT_CONNTRACK_STATE,
		.invert_flags = is_inverted ? XT_CONNTRACK_STATE : 0,
		.state_mask = states,
	};

	add_xt(rule, "conntrack", &info, sizeof(info));
}

static void no_chain(void *data, const char *chain)
{
	(void)data;
	fail_msg("chain %s", chain);
}

/* Frees the rule. */
static struct firewall_rule read_rule(struct nft_rule *rule)
{
	struct firewall_rule parts;

	assert_false(rule->failed);
	firewall_rule_read(rule->rule, &LINKS, no_chain, NULL, &parts);
	nftnl_rule_free(rule->rule);
	return parts;
}

/* Does the rule, with `accept` at its end, let our packets pass in the hook? */
static bool lets_us(struct nft_rule *rule, uint32_t hook)
{
	struct firewall_rule parts;

	do_accept(rule);
	parts = read_rule(rule);
	return firewall_rule_lets_us(&parts, hook);
}

TEST(only_a_link_is_told_by_its_number)
{
	static const uint32_t keys[] = {NFT_META_IIF, NFT_META_OIF, NFT_META_MARK, NFT_META_SKUID};

	for (size_t i = 0; i < COUNT(keys); i++) {
		struct nft_rule rule = rule_new();

		add_number(&rule, keys[i], BRIDGE);
		assert_int_equal(lets_us(&rule, NF_INET_FORWARD), i < 2);
	}
}

TEST(a_link_is_told_by_its_name_or_the_front_of_it)
{
	static const struct {
		const char *name;
		uint32_t length;
		bool is_ours;
	} cases[] = {{"uva0", 5, true}, {"uva", 3, true},   {"uva0", 4, true},
		     {"uva", 4, false}, {"uva1", 5, false}, {"uva0-1", 7, false}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nft_rule rule = rule_new();

		add_meta(&rule, NFT_META_OIFNAME, cases[i].name, cases[i].length);
		assert_int_equal(lets_us(&rule, NF_INET_FORWARD), cases[i].is_ours);
	}
}

TEST(a_second_match_of_the_connection_does_not_undo_the_first)
{
	for (int order = 0; order < 2; order++) {
		struct nft_rule rule = rule_new();

		if (order)
			add_ctstate(&rule, NEW, false);
		match_ct_dnat(&rule);
		if (!order)
			add_ctstate(&rule, NEW, false);
		assert_true(lets_us(&rule, NF_INET_FORWARD));
	}
	for (int order = 0; order < 2; order++) {
		struct nft_rule rule = rule_new();

		/* answers alone do not make a connection */
		if (order)
			match_ct_established(&rule);
		match_ct_dnat(&rule);
		if (!order)
			match_ct_established(&rule);
		assert_false(lets_us(&rule, NF_INET_FORWARD));
	}
}

TEST(answers_are_let_in_where_nothing_else_is_asked)
{
	struct nft_rule rule = rule_new();

	match_ct_established(&rule);
	assert_true(lets_us(&rule, NF_INET_LOCAL_IN));
	rule = rule_new();
	match_nfproto(&rule, AF_INET);
	match_l4proto(&rule, IPPROTO_TCP);
	match_ct_established(&rule);
	assert_true(lets_us(&rule, NF_INET_LOCAL_IN));
	rule = rule_new();
	match_l4proto(&rule, IPPROTO_UDP);
	match_ct_established(&rule);
	assert_false(lets_us(&rule, NF_INET_LOCAL_IN));
	rule = rule_new();
	match_iifname(&rule, "eth0", true);
	match_ct_established(&rule);
	assert_false(lets_us(&rule, NF_INET_LOCAL_IN));
	rule = rule_new();
	match_iifname(&rule, "eth0", false);
	match_ct_established(&rule);
	assert_true(lets_us(&rule, NF_INET_LOCAL_IN));
	rule = rule_new();
	match_ct_established(&rule);
	match_port_in(&rule, "ports");
	assert_false(lets_us(&rule, NF_INET_LOCAL_IN));
}

TEST(states_of_iptables_are_read)
{
	const uint16_t established = XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED);
	const struct {
		uint16_t states;
		bool is_inverted, lets_in, lets_through;
	} cases[] = {
		{established, false, true, false},
		{established | NEW, false, true, false},
		{NEW, false, false, false},
		{NEW, true, true, false},
		{established, true, false, false},
		{XT_CONNTRACK_STATE_DNAT, false, false, true},
		{XT_CONNTRACK_STATE_DNAT, true, false, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nft_rule rule = rule_new();

		add_xt(&rule, "comment", "x", 2);
		add_ctstate(&rule, cases[i].states, cases[i].is_inverted);
		assert_int_equal(lets_us(&rule, NF_INET_LOCAL_IN), cases[i].lets_in);
		rule = rule_new();
		add_ctstate(&rule, cases[i].states, cases[i].is_inverted);
		assert_int_equal(lets_us(&rule, NF_INET_FORWARD), cases[i].lets_through);
		rule = rule_new();
		add_ctstate(&rule, cases[i].states, cases[i].is_inverted);
		add_xt(&rule, "multiport", NULL, 0);
		assert_false(lets_us(&rule, NF_INET_LOCAL_IN));
	}
}

TEST(what_is_too_short_is_not_read)
{
	struct nft_rule rule = rule_new();

	add_xt(&rule, "conntrack", "x", 2);
	assert_false(lets_us(&rule, NF_INET_LOCAL_IN));
}

TEST(a_target_of_iptables_rejects_every_packet)
{
	static const struct {
		const char *target;
		bool drops;
	} cases[] = {{"REJECT", true}, {"LOG", false}, {"MARK", false}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nft_rule rule = rule_new();
		struct firewall_rule parts;

		add_xt(&rule, "comment", "x", 2);
		do_counter(&rule);
		nftnl_expr_set_str(rule_add(&rule, "target"), NFTNL_EXPR_TG_NAME, cases[i].target);
		parts = read_rule(&rule);
		assert_int_equal(parts.drops, cases[i].drops);
		assert_false(parts.matches);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_link_is_told_by_its_number),
		cmocka_unit_test(a_link_is_told_by_its_name_or_the_front_of_it),
		cmocka_unit_test(a_second_match_of_the_connection_does_not_undo_the_first),
		cmocka_unit_test(answers_are_let_in_where_nothing_else_is_asked),
		cmocka_unit_test(states_of_iptables_are_read),
		cmocka_unit_test(what_is_too_short_is_not_read),
		cmocka_unit_test(a_target_of_iptables_rejects_every_packet),
	};

	return cmocka_run_group_tests_name("firewall_rule", tests, NULL, NULL);
}
