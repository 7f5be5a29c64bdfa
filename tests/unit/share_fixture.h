/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share_fixture.h - a share, copies that come and go, and a table that knows ports, buckets and
 * chains only: what the share puts into its transactions is read back, and done to that table.
 */
#pragma once

#include <errno.h>

#include "nat_fixture.h"
#include "run/share.h"

enum { MEMBERS_MAX = 450, BUCKETS_MAX = 8400 };

/* The table, as far as a share changes it. Members are told by the numbers of their copies. */
struct model {
	unsigned int buckets[BUCKETS_MAX]; /* 0: leads nowhere */
	unsigned int rules[MEMBERS_MAX + 1];
	char published[NAT_CHAIN_MAX]; /* where the host port leads; "": nowhere */
	unsigned int changes;          /* of buckets, in the last commit */
};

struct world {
	struct nat nat;
	struct mapping head;
	struct mapping members[MEMBERS_MAX + 1]; /* by the number of the copy */
	struct share *share;
	struct model model;
};

/* ---- What a transaction does ---- */

/* The copy whose chain that is. */
static inline unsigned int copy_of(const char *chain)
{
	unsigned long number;

	assert_memory_equal(chain, "copy-", strlen("copy-"));
	number = strtoul(chain + strlen("copy-"), NULL, 10);
	assert_in_range(number, 1, MEMBERS_MAX);
	return (unsigned int)number;
}

static inline void model_put_bucket(struct model *model, const struct nftnl_set_elem *elem,
				    bool adds)
{
	uint32_t length, number;
	const void *key =
		nftnl_set_elem_get((struct nftnl_set_elem *)elem, NFTNL_SET_ELEM_KEY, &length);

	assert_int_equal(length, sizeof(number));
	memcpy(&number, key, sizeof(number));
	assert_true(number < BUCKETS_MAX);
	assert_int_equal(model->buckets[number] != 0, !adds); /* or the kernel would refuse it */
	model->buckets[number] =
		adds ? copy_of(nftnl_set_elem_get_str((struct nftnl_set_elem *)elem,
						      NFTNL_SET_ELEM_CHAIN))
		     : 0;
	model->changes += adds;
}

static inline void model_put_port(struct model *model, struct nftnl_set_elem *elem, bool adds)
{
	assert_int_equal(model->published[0] != '\0', !adds);
	snprintf(model->published, sizeof(model->published), "%s",
		 adds ? nftnl_set_elem_get_str(elem, NFTNL_SET_ELEM_CHAIN) : "");
}

/* libnftnl numbers the elements of a message; but what it reads shall all have number 1. */
static inline void number_elements(struct nlmsghdr *nlh)
{
	struct nlattr *attr, *elem;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(elem, attr) {
			elem->nla_type = NLA_F_NESTED | NFTA_LIST_ELEM;
		}
	}
}

static inline void model_put_elements(struct model *model, struct nlmsghdr *nlh, bool adds)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_set_elems_iter *iter;
	struct nftnl_set_elem *elem;
	const char *name;

	number_elements(nlh);
	assert_int_equal(nftnl_set_elems_nlmsg_parse(nlh, set), 0);
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	if (!adds && set_count(set) == 0) /* all of them */
		memset(model->buckets, 0, sizeof(model->buckets));
	iter = nftnl_set_elems_iter_create(set);
	while ((elem = nftnl_set_elems_iter_next(iter))) {
		if (strncmp(name, "buckets-", 8) == 0)
			model_put_bucket(model, elem, adds);
		else if (strcmp(name, RULESET_PUBLISHED) == 0)
			model_put_port(model, elem, adds);
	}
	nftnl_set_elems_iter_destroy(iter);
	nftnl_set_free(set);
}

static inline void model_put_rule(struct model *model, const struct nlmsghdr *nlh, bool adds)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	const char *chain;

	assert_int_equal(nftnl_rule_nlmsg_parse(nlh, rule), 0);
	chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	if (strncmp(chain, "copy-", 5) == 0)
		model->rules[copy_of(chain)] = adds ? model->rules[copy_of(chain)] + 1 : 0;
	nftnl_rule_free(rule);
}

static inline void model_do(struct model *model, const struct nft_batch *batch)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)batch->data;
	int left = (int)batch->length;

	model->changes = 0;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
			continue;
		switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
		case NFT_MSG_NEWSETELEM:
		case NFT_MSG_DELSETELEM:
			model_put_elements(model, nlh,
					   NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWSETELEM);
			break;
		case NFT_MSG_NEWRULE:
		case NFT_MSG_DELRULE:
			model_put_rule(model, nlh,
				       NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWRULE);
			break;
		}
	}
	assert_int_equal(left, 0);
}

/* ---- A share, its members, and the table ---- */

static inline size_t members_in(const struct world *world)
{
	size_t count = 0;

	for (unsigned int number = 1; number <= MEMBERS_MAX; number++)
		count += world->members[number].is_published;
	return count;
}

/* What holds of the table whatever has happened: it leads to all that listen, or nowhere. */
static inline void check_table(const struct world *world)
{
	const struct model *model = &world->model;
	bool leads = members_in(world) > 0;

	assert_string_equal(model->published, leads ? world->share->chain : "");
	for (uint32_t i = 0; i < BUCKETS_MAX; i++) {
		unsigned int number = model->buckets[i];

		assert_int_equal(number != 0, leads && i < world->share->table.count);
		if (!number)
			continue;
		assert_true(world->members[number].is_published);
		assert_true(model->rules[number] > 0);
	}
}

/* Takes what has been collected since the last time, as the kernel would. */
static inline void take_batch(struct world *world)
{
	model_do(&world->model, &world->nat.batch);
	nft_batch_free(&world->nat.batch);
	nft_batch_start(&world->nat.batch, "uva_test", SEQUENCE);
}

static inline void commit(struct world *world)
{
	share_settle(world->share);
	take_batch(world);
	check_table(world);
}

static inline struct world *world_new(enum plan_balance balance, unsigned int copies)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	/* After an error, nothing is sent any more: all stays in the batch. */
	world->nat = (struct nat){.table = "uva_test", .err = -ENOTCONN};
	nft_batch_start(&world->nat.batch, "uva_test", SEQUENCE);
	world->head = (struct mapping){
		.port = {.protocol = IPPROTO_TCP, .number = HOST_PORT},
		.copy_port = COPY_PORT,
		.reservation = RESERVATION_NONE,
		.nat = &world->nat,
	};
	world->share = share_new(&world->head, balance, copies, 1);
	assert_non_null(world->share);
	world->head.share = world->share;
	share_install(world->share);
	commit(world);
	return world;
}

static inline void world_free(struct world *world)
{
	for (unsigned int number = 1; number <= MEMBERS_MAX; number++)
		free(world->members[number].comment);
	share_free(world->share);
	nft_batch_free(&world->nat.batch);
	free(world->nat.stale);
	free(world);
}

/* A copy is there, and listens. */
static inline void come(struct world *world, unsigned int number)
{
	struct mapping *member = &world->members[number];
	const struct address none = {0}, to = address_of("10.90.0.3");
	char chain[NAT_CHAIN_MAX];

	if (!member->has_backend) {
		mapping_join(member, &world->head, number);
		snprintf(chain, sizeof(chain), "copy-%u", number);
		assert_int_equal(mapping_aim(member, chain, "a copy's comment", &to, &none), 0);
	}
	mapping_follow(member, (struct mapping_listens){.ipv4 = true});
}

/* A copy listens no more. */
static inline void fall_silent(struct world *world, unsigned int number)
{
	mapping_follow(&world->members[number], (struct mapping_listens){0});
}

/* A copy has ended, if it was there. */
static inline void go(struct world *world, unsigned int number)
{
	if (world->members[number].has_backend)
		mapping_close(&world->members[number]);
}

static inline void shuffle(struct random_stream *stream, unsigned int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		numbers[i] = (unsigned int)i + 1;
	for (size_t i = count; i > 1; i--) {
		size_t other = random_below(stream, (uint32_t)i);
		unsigned int number = numbers[i - 1];

		numbers[i - 1] = numbers[other];
		numbers[other] = number;
	}
}

/* Copies 1 to @count are there and listen, as after a start. */
static inline struct world *world_of(enum plan_balance balance, unsigned int copies,
				     unsigned int count)
{
	struct world *world = world_new(balance, copies);

	for (unsigned int number = 1; number <= count; number++)
		come(world, number);
	commit(world);
	return world;
}

/* How many buckets lead to that copy; 0: nowhere. */
static inline unsigned int buckets_of(const unsigned int *buckets, unsigned int number)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < BUCKETS_MAX; i++)
		count += buckets[i] == number;
	return count;
}
