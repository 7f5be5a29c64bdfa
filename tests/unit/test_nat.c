// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_nat.c - the transaction that makes the table, parsed back: its messages, and the objects
 * in them. What the rules do to packets: test_nat_packets.c, test_nat_guards.c.
 */
#include "nat_fixture.h"

#include <linux/netfilter_ipv4.h>

/* ---- Messages ---- */

static void check_messages(const struct fixture *fixture)
{
	const struct table *table = fixture->table;
	const size_t last = table->message_count - 1;

	assert_true(table->message_count > 3);
	for (size_t i = 0; i <= last; i++) {
		const struct nlmsghdr *nlh = table->messages[i];
		const struct nfgenmsg *message = mnl_nlmsg_get_payload(nlh);

		assert_true(nlh->nlmsg_flags & NLM_F_REQUEST);
		assert_int_equal(nlh->nlmsg_seq, SEQUENCE + 1 + i);
		assert_int_equal(!!(nlh->nlmsg_flags & NLM_F_ACK), i == last - 1);
		if (i == 0 || i == last) {
			assert_int_equal(nlh->nlmsg_type,
					 i == 0 ? NFNL_MSG_BATCH_BEGIN : NFNL_MSG_BATCH_END);
			assert_int_equal(ntohs(message->res_id), NFNL_SUBSYS_NFTABLES);
		} else {
			assert_int_equal(NFNL_SUBSYS_ID(nlh->nlmsg_type), NFNL_SUBSYS_NFTABLES);
			assert_int_equal(message->nfgen_family, NFPROTO_INET);
		}
	}
	assert_int_equal(fixture->batch.last, SEQUENCE + last);
	assert_int_equal(fixture->batch.sequence, SEQUENCE + 1 + last);
}

TEST(messages_are_one_batch_that_is_acknowledged_once)
{
	for_few_and_many(check_messages);
}

TEST(a_table_of_that_name_makes_it_fail)
{
	struct fixture *fixture = fixture_of(2);

	for (size_t i = 0; i < fixture->table->message_count; i++) {
		const struct nlmsghdr *nlh = fixture->table->messages[i];

		if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE))
			assert_int_equal(nlh->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL),
					 NLM_F_CREATE | NLM_F_EXCL);
	}
	fixture_free(fixture);
}

/* ---- Objects ---- */

TEST(the_table_belongs_to_its_socket)
{
	struct fixture *fixture = fixture_of(2);
	const struct nftnl_table *head = fixture->table->head;
	const void *userdata;
	uint32_t length;

	assert_non_null(head);
	assert_string_equal(nftnl_table_get_str(head, NFTNL_TABLE_NAME), "uva_test");
	assert_int_equal(nftnl_table_get_u32(head, NFTNL_TABLE_FLAGS), NFT_TABLE_F_OWNER);
	userdata = nftnl_table_get_data(head, NFTNL_TABLE_USERDATA, &length);
	assert_string_equal(comment_in(userdata, length, NFTNL_UDATA_TABLE_COMMENT),
			    "a table's comment");
	fixture_free(fixture);
}

static void check_table_of_all(const struct fixture *fixture)
{
	const struct table *table = fixture->table;

	for (size_t i = 0; i < table->chain_count; i++)
		assert_string_equal(nftnl_chain_get_str(table->chains[i], NFTNL_CHAIN_TABLE),
				    "uva_test");
	for (size_t i = 0; i < table->set_count; i++)
		assert_string_equal(nftnl_set_get_str(table->sets[i], NFTNL_SET_TABLE), "uva_test");
	for (size_t i = 0; i < table->rule_count; i++) {
		const struct nftnl_rule *rule = table->rules[i];

		assert_string_equal(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), "uva_test");
		assert_true(table_has_chain(table, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN)));
	}
}

TEST(all_objects_are_in_the_table)
{
	for_few_and_many(check_table_of_all);
}

/* Every base chain there may be, and its place among the kernel's hooks. */
static const struct {
	const char *type;
	uint32_t hook;
	int32_t priority;
	bool required;
} BASE_CHAINS[] = {
	{"nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST, true},
	{"nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST, true},
	{"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, true},
	{"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW, true},
	{"filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER, true},
	{"filter", NF_INET_FORWARD, NF_IP_PRI_FILTER, true},
	{"filter", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER, false},
};

static void check_base_chains(const struct fixture *fixture)
{
	const struct table *table = fixture->table;
	size_t known = 0, found = 0;

	for (size_t i = 0; i < COUNT(BASE_CHAINS); i++) {
		const struct nftnl_chain *chain =
			table_base_chain(table, BASE_CHAINS[i].type, BASE_CHAINS[i].hook);

		assert_true(chain || !BASE_CHAINS[i].required);
		if (!chain)
			continue;
		known++;
		assert_int_equal(nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO),
				 BASE_CHAINS[i].priority);
		assert_int_equal(nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY), NF_ACCEPT);
	}
	for (size_t i = 0; i < table->chain_count; i++)
		found += nftnl_chain_is_set(table->chains[i], NFTNL_CHAIN_HOOKNUM);
	assert_int_equal(found, known);
}

TEST(a_hook_has_one_base_chain_of_a_type)
{
	for_few_and_many(check_base_chains);
}

/* The verdict map: there is one. */
static const struct nftnl_set *map_of(const struct table *table)
{
	const struct nftnl_set *map = NULL;

	for (size_t i = 0; i < table->set_count; i++) {
		if (!(nftnl_set_get_u32(table->sets[i], NFTNL_SET_FLAGS) & NFT_SET_MAP))
			continue;
		assert_null(map);
		map = table->sets[i];
	}
	assert_non_null(map);
	return map;
}

/* In the kernel's order: the protocol in 4 bytes, the port in network order in 4 more. */
static struct nftnl_set_elem *element_of(const struct nftnl_set *set,
					 const struct fixture_port *port)
{
	const uint8_t key[8] = {
		[0] = port->protocol, [4] = (uint8_t)(port->port >> 8), [5] = (uint8_t)port->port};

	return set_element(set, key, sizeof(key));
}

static void check_map(const struct fixture *fixture)
{
	const struct nftnl_set *map = map_of(fixture->table);

	assert_int_equal(nftnl_set_get_u32(map, NFTNL_SET_KEY_LEN), 8);
	assert_int_equal(nftnl_set_get_u32(map, NFTNL_SET_DATA_TYPE), NFT_DATA_VERDICT);
	assert_int_equal(set_count(map), fixture->count);
	for (size_t i = 0; i < fixture->count; i++) {
		struct nftnl_set_elem *elem = element_of(map, &fixture->ports[i]);
		const void *userdata;
		uint32_t length;

		assert_non_null(elem);
		assert_int_equal((int)nftnl_set_elem_get_u32(elem, NFTNL_SET_ELEM_VERDICT),
				 NFT_GOTO);
		assert_string_equal(nftnl_set_elem_get_str(elem, NFTNL_SET_ELEM_CHAIN),
				    fixture->names[i]);
		assert_true(table_has_chain(fixture->table, fixture->names[i]));
		userdata = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_USERDATA, &length);
		assert_string_equal(comment_in(userdata, length, NFTNL_UDATA_SET_ELEM_COMMENT),
				    "a copy's comment");
	}
}

TEST(the_map_sends_each_port_to_its_chain)
{
	for_few_and_many(check_map);
}

static void check_lookups(const struct fixture *fixture)
{
	static const uint32_t hooks[] = {NF_INET_LOCAL_OUT, NF_INET_PRE_ROUTING};

	for (size_t i = 0; i < COUNT(hooks); i++) {
		const struct nftnl_chain *chain = table_base_chain(fixture->table, "nat", hooks[i]);

		if (chain)
			assert_int_equal(
				table_count_lookups(fixture->table,
						    nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME),
						    RULESET_PUBLISHED),
				1);
	}
}

TEST(however_many_copies_there_is_one_lookup)
{
	for_few_and_many(check_lookups);
}

/* ---- Comments ---- */

/* The comment that a copy's rule has when it is asked for @comment. */
static const char *comment_of_copy(const char *comment)
{
	struct fixture *fixture = fixture_prepare(1);
	static char text[NFTNL_UDATA_COMMENT_MAXLEN];
	const struct nftnl_rule *rule;

	fixture->ports[0].comment = comment;
	fixture_build(fixture);
	rule = table_rule(fixture->table, fixture->names[0], 0);
	assert_non_null(rule);
	assert_non_null(rule_comment(rule));
	snprintf(text, sizeof(text), "%s", rule_comment(rule));
	fixture_free(fixture);
	return text;
}

TEST(a_comment_that_is_too_long_loses_its_front)
{
	char path[400];

	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = (char)('a' + i % 26);
	for (size_t length = 1; length < sizeof(path); length++) {
		const char *asked = path + sizeof(path) - 1 - length;
		const char *comment;

		path[sizeof(path) - 1] = '\0';
		comment = comment_of_copy(asked);
		if (length < NFTNL_UDATA_COMMENT_MAXLEN) {
			assert_string_equal(comment, asked);
		} else {
			assert_int_equal(strlen(comment), NFTNL_UDATA_COMMENT_MAXLEN - 1);
			assert_string_equal(comment + 3, asked + length - strlen(comment + 3));
			assert_memory_equal(comment, "...", 3);
		}
	}
}

TEST(a_comment_does_not_end_its_quotes)
{
	const char *comment = comment_of_copy("a \"quoted\"\n\033[31m path");

	assert_null(strpbrk(comment, "\"\n\033"));
	assert_int_equal(strlen(comment), strlen("a \"quoted\"\n\033[31m path"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_one_batch_that_is_acknowledged_once),
		cmocka_unit_test(a_table_of_that_name_makes_it_fail),
		cmocka_unit_test(the_table_belongs_to_its_socket),
		cmocka_unit_test(all_objects_are_in_the_table),
		cmocka_unit_test(a_hook_has_one_base_chain_of_a_type),
		cmocka_unit_test(the_map_sends_each_port_to_its_chain),
		cmocka_unit_test(however_many_copies_there_is_one_lookup),
		cmocka_unit_test(a_comment_that_is_too_long_loses_its_front),
		cmocka_unit_test(a_comment_does_not_end_its_quotes),
	};

	return cmocka_run_group_tests_name("nat", tests, NULL, NULL);
}
