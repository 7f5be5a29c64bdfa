/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - an nftables batch parsed back by libnftnl, and ways to find things in it.
 *
 * It knows messages and objects, and nothing of what the table is meant to do.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "net/batch.h"
#include "unit.h"

enum { TABLE_MESSAGES_MAX = 16384, TABLE_RULES_MAX = 4096, TABLE_SETS_MAX = 16 };

struct table {
	const struct nlmsghdr *messages[TABLE_MESSAGES_MAX]; /* in the batch */
	size_t message_count;
	struct nftnl_table *head; /* the table itself */
	struct nftnl_chain *chains[TABLE_RULES_MAX];
	size_t chain_count;
	struct nftnl_set *sets[TABLE_SETS_MAX]; /* with their elements */
	size_t set_count;
	struct nftnl_rule *rules[TABLE_RULES_MAX];
	size_t rule_count;
};

/** table_set() - the set or map @name, which must be there. */
static inline struct nftnl_set *table_set(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->set_count; i++)
		if (strcmp(nftnl_set_get_str(table->sets[i], NFTNL_SET_NAME), name) == 0)
			return table->sets[i];
	fail_msg("no such set: %s", name);
	return NULL;
}

/* The set that the elements of a message belong to. */
static inline struct nftnl_set *table_set_of_elements(const struct table *table,
						      const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_LIST_SET)
			return table_set(table, mnl_attr_get_str(attr));
	fail_msg("elements of no set");
	return NULL;
}

/* Puts a rule where the message says: behind all others, or in front of them. */
static inline void table_put_rule(struct table *table, struct nftnl_rule *rule, bool is_behind)
{
	size_t at = is_behind ? table->rule_count : 0;

	assert_true(table->rule_count < COUNT(table->rules));
	for (size_t i = table->rule_count; i > at; i--)
		table->rules[i] = table->rules[i - 1];
	table->rules[at] = rule;
	table->rule_count++;
}

static inline void table_read_message(struct table *table, const struct nlmsghdr *nlh)
{
	struct nftnl_rule *rule;

	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
		assert_null(table->head);
		table->head = nftnl_table_alloc();
		assert_int_equal(nftnl_table_nlmsg_parse(nlh, table->head), 0);
		break;
	case NFT_MSG_NEWCHAIN:
		assert_true(table->chain_count < COUNT(table->chains));
		table->chains[table->chain_count] = nftnl_chain_alloc();
		assert_int_equal(nftnl_chain_nlmsg_parse(nlh, table->chains[table->chain_count++]),
				 0);
		break;
	case NFT_MSG_NEWSET:
		assert_true(table->set_count < COUNT(table->sets));
		table->sets[table->set_count] = nftnl_set_alloc();
		assert_int_equal(nftnl_set_nlmsg_parse(nlh, table->sets[table->set_count++]), 0);
		break;
	case NFT_MSG_NEWSETELEM:
		assert_int_equal(
			nftnl_set_elems_nlmsg_parse(nlh, table_set_of_elements(table, nlh)), 0);
		break;
	case NFT_MSG_NEWRULE:
		rule = nftnl_rule_alloc();
		assert_int_equal(nftnl_rule_nlmsg_parse(nlh, rule), 0);
		table_put_rule(table, rule, nlh->nlmsg_flags & NLM_F_APPEND);
		break;
	default:
		fail_msg("message of type %#x", nlh->nlmsg_type);
	}
}

/** table_read() - all objects of a finished batch, which must outlive them. */
static inline struct table *table_read(const struct nft_batch *batch)
{
	struct table *table = calloc(1, sizeof(*table));
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)batch->data;
	int left = (int)batch->length;

	assert_non_null(table);
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		assert_true(table->message_count < COUNT(table->messages));
		table->messages[table->message_count++] = nlh;
		if (NFNL_SUBSYS_ID(nlh->nlmsg_type) == NFNL_SUBSYS_NFTABLES)
			table_read_message(table, nlh);
	}
	assert_int_equal(left, 0);
	return table;
}

static inline void table_free(struct table *table)
{
	for (size_t i = 0; i < table->chain_count; i++)
		nftnl_chain_free(table->chains[i]);
	for (size_t i = 0; i < table->set_count; i++)
		nftnl_set_free(table->sets[i]);
	for (size_t i = 0; i < table->rule_count; i++)
		nftnl_rule_free(table->rules[i]);
	if (table->head)
		nftnl_table_free(table->head);
	free(table);
}

/** table_has_chain() - is there a chain @name? */
static inline bool table_has_chain(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->chain_count; i++)
		if (strcmp(nftnl_chain_get_str(table->chains[i], NFTNL_CHAIN_NAME), name) == 0)
			return true;
	return false;
}

/** table_base_chain() - the one base chain of @type on @hook; NULL where there is none. */
static inline const struct nftnl_chain *table_base_chain(const struct table *table,
							 const char *type, uint32_t hook)
{
	const struct nftnl_chain *found = NULL;

	for (size_t i = 0; i < table->chain_count; i++) {
		const struct nftnl_chain *chain = table->chains[i];

		if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) ||
		    nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) != hook ||
		    strcmp(nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE), type) != 0)
			continue;
		assert_null(found);
		found = chain;
	}
	return found;
}

/** table_rule() - rule number @n of @chain, from 0 on; NULL behind the last. */
static inline const struct nftnl_rule *table_rule(const struct table *table, const char *chain,
						  size_t n)
{
	for (size_t i = 0; i < table->rule_count; i++)
		if (strcmp(nftnl_rule_get_str(table->rules[i], NFTNL_RULE_CHAIN), chain) == 0 &&
		    n-- == 0)
			return table->rules[i];
	return NULL;
}

/** rule_count_lookups() - how many lookups in the set or map @name are in the rule? */
static inline size_t rule_count_lookups(const struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr_iter *iter = nftnl_expr_iter_create(rule);
	const struct nftnl_expr *expr;
	size_t count = 0;

	assert_non_null(iter);
	while ((expr = nftnl_expr_iter_next(iter)))
		if (strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), "lookup") == 0)
			count += strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_LOOKUP_SET), name) == 0;
	nftnl_expr_iter_destroy(iter);
	return count;
}

/** table_count_lookups() - the same for all rules of @chain. */
static inline size_t table_count_lookups(const struct table *table, const char *chain,
					 const char *name)
{
	const struct nftnl_rule *rule;
	size_t count = 0;

	for (size_t n = 0; (rule = table_rule(table, chain, n)); n++)
		count += rule_count_lookups(rule, name);
	return count;
}

/** set_element() - the element whose key is these bytes; NULL where there is none. */
static inline struct nftnl_set_elem *set_element(const struct nftnl_set *set, const void *key,
						 size_t length)
{
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(set);
	struct nftnl_set_elem *elem;

	assert_non_null(iter);
	while ((elem = nftnl_set_elems_iter_next(iter))) {
		uint32_t key_length;
		const void *bytes = nftnl_set_elem_get(elem, NFTNL_SET_ELEM_KEY, &key_length);

		if (key_length == length && memcmp(bytes, key, length) == 0)
			break;
	}
	nftnl_set_elems_iter_destroy(iter);
	return elem;
}

/** set_count() - how many elements has @set? */
static inline size_t set_count(const struct nftnl_set *set)
{
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(set);
	size_t count = 0;

	assert_non_null(iter);
	while (nftnl_set_elems_iter_next(iter))
		count++;
	nftnl_set_elems_iter_destroy(iter);
	return count;
}

/** comment_in() - the comment in an object's user data, as nft(8) looks for it; NULL: none. */
static inline const char *comment_in(const void *data, uint32_t length, uint8_t type)
{
	static const uint8_t none[1];
	const uint8_t *at = data ? data : none, *end = at + (data ? length : 0);

	/* type, length, value; no padding */
	for (; end - at >= 2 && end - at >= 2 + at[1]; at += 2 + at[1])
		if (at[0] == type) {
			assert_true(at[1] > 0 && at[1] <= NFTNL_UDATA_COMMENT_MAXLEN);
			assert_int_equal(at[1 + at[1]], '\0');
			return (const char *)at + 2;
		}
	return NULL;
}

/** rule_comment() - a rule's comment or NULL. */
static inline const char *rule_comment(const struct nftnl_rule *rule)
{
	uint32_t length = 0;
	const void *data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &length);

	return comment_in(data, length, NFTNL_UDATA_RULE_COMMENT);
}
