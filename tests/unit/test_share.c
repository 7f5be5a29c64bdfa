// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_share.c - buckets dealt out to copies that come and go.
 */
#include "share_fixture.h"

enum {
	FEW = 42, /* the most that are even within 5 % with few buckets, and with many */
	MANY = 420,
	PERCENT = 5,
};

/* ---- How even it is ---- */

/* Fails if one of those that are in has more or less than its part of @connections, by 5 %. */
static void check_even(const struct world *world, unsigned int connections)
{
	unsigned int counts[MEMBERS_MAX + 1] = {0};
	unsigned int members = (unsigned int)members_in(world);

	for (unsigned int i = 0; i < connections; i++)
		counts[world->model.buckets[i % world->share->table.count]]++;
	for (unsigned int number = 1; number <= MEMBERS_MAX; number++)
		if (world->members[number].is_published)
			assert_in_range(counts[number] * members * 100,
					(100 - PERCENT) * connections,
					(100 + PERCENT) * connections);
}

static void check_even_as_they_come_and_go(enum plan_balance balance, unsigned int copies)
{
	struct random_stream stream = random_start();
	struct world *world = world_new(balance, copies);
	unsigned int order[MEMBERS_MAX];

	shuffle(&stream, order, copies);
	for (unsigned int i = 0; i < copies; i++) {
		come(world, order[i]);
		commit(world);
		check_even(world, world->share->table.count);
	}
	shuffle(&stream, order, copies);
	for (unsigned int i = 0; i < copies; i++) {
		check_even(world, world->share->table.count);
		go(world, order[i]);
		commit(world);
	}
	world_free(world);
}

TEST(up_to_42_copies_have_the_same_within_5_percent)
{
	check_even_as_they_come_and_go(PLAN_ROUND_ROBIN, FEW);
	check_even_as_they_come_and_go(PLAN_RANDOM, FEW);
	check_even_as_they_come_and_go(PLAN_SOURCE, FEW);
}

TEST(up_to_420_copies_have_the_same_within_5_percent)
{
	check_even_as_they_come_and_go(PLAN_ROUND_ROBIN, MANY);
	check_even_as_they_come_and_go(PLAN_SOURCE, MANY);
}

TEST(all_that_come_at_once_have_the_same_within_5_percent)
{
	static const enum plan_balance balances[] = {PLAN_ROUND_ROBIN, PLAN_RANDOM, PLAN_SOURCE};

	for (size_t i = 0; i < COUNT(balances); i++)
		for (unsigned int copies = 1; copies <= MANY; copies += copies < FEW ? 1 : 27) {
			struct world *world = world_of(balances[i], copies, copies);

			check_even(world, world->share->table.count);
			world_free(world);
		}
}

/* Fails if one that is in gets two connections before each other one has got one. */
static void check_in_turn(const struct world *world)
{
	unsigned int in[MEMBERS_MAX];
	size_t members = 0;

	for (unsigned int number = 1; number <= MEMBERS_MAX; number++)
		if (world->members[number].is_published)
			in[members++] = number;
	for (uint32_t i = 0; i < world->share->table.count; i++)
		assert_int_equal(world->model.buckets[i], in[i % members]);
}

TEST(few_copies_get_connections_strictly_in_turn)
{
	struct random_stream stream = random_start();
	struct world *world = world_new(PLAN_ROUND_ROBIN, FEW);
	unsigned int order[FEW];

	shuffle(&stream, order, FEW);
	for (unsigned int i = 0; i < FEW; i++) {
		come(world, order[i]);
		commit(world);
		check_in_turn(world);
		check_even(world, 10000);
	}
	for (unsigned int i = 0; i < FEW - 1; i++) {
		fall_silent(world, order[i]);
		commit(world);
		check_in_turn(world);
		check_even(world, 10000);
	}
	world_free(world);
}

TEST(many_copies_get_connections_strictly_in_turn_when_none_comes_or_goes)
{
	struct world *world = world_of(PLAN_ROUND_ROBIN, MANY, MANY);

	assert_true(world->share->is_rough);
	share_smooth(world->share);
	commit(world);
	assert_false(world->share->is_rough);
	check_in_turn(world);
	check_even(world, 10000);
	go(world, MANY / 2);
	commit(world);
	assert_in_range(world->model.changes, 1, 2 * BUCKETS_MAX / MANY);
	world_free(world);
}

TEST(a_client_that_stays_with_its_copy_is_not_moved_for_the_turn)
{
	struct world *world = world_of(PLAN_SOURCE, MANY, MANY);
	unsigned int before[BUCKETS_MAX];

	memcpy(before, world->model.buckets, sizeof(before));
	share_smooth(world->share);
	commit(world);
	assert_memory_equal(before, world->model.buckets, sizeof(before));
	world_free(world);
}

/* ---- Who is moved ---- */

/* A change as a client sees it: which copies are new, which are not in it any more. */
struct change {
	bool has_come[MEMBERS_MAX + 1], has_gone[MEMBERS_MAX + 1];
	unsigned int before[BUCKETS_MAX];
};

static struct change *change_begin(const struct world *world)
{
	struct change *change = calloc(1, sizeof(*change));

	assert_non_null(change);
	memcpy(change->before, world->model.buckets, sizeof(change->before));
	return change;
}

/* Fails if a bucket has left a copy that is still there for one that was there before. */
static void change_check(struct change *change, const struct world *world)
{
	for (uint32_t i = 0; i < world->share->table.count; i++) {
		unsigned int before = change->before[i], after = world->model.buckets[i];

		assert_true(before == after || !before || !after || change->has_gone[before] ||
			    change->has_come[after]);
	}
	free(change);
}

static void check_one_that_goes(enum plan_balance balance, unsigned int copies, unsigned int number)
{
	struct world *world = world_of(balance, copies, copies);
	struct change *change = change_begin(world);
	unsigned int had = buckets_of(change->before, number);

	change->has_gone[number] = true;
	fall_silent(world, number);
	commit(world);
	assert_int_equal(world->model.changes, copies > 1 ? had : 0);
	change_check(change, world);
	world_free(world);
}

TEST(one_that_goes_moves_only_its_own_clients)
{
	for (unsigned int copies = 1; copies <= FEW; copies++)
		for (unsigned int number = 1; number <= copies; number += copies / 3 + 1)
			check_one_that_goes(PLAN_SOURCE, copies, number);
	for (unsigned int copies = FEW + 1; copies <= MANY; copies += 29) {
		check_one_that_goes(PLAN_SOURCE, copies, copies / 2);
		check_one_that_goes(PLAN_ROUND_ROBIN, copies, copies);
	}
}

static void check_one_that_comes(enum plan_balance balance, unsigned int copies,
				 unsigned int number)
{
	struct world *world = world_of(balance, copies, copies);
	struct change *change;
	unsigned int each;

	go(world, number);
	commit(world);
	change = change_begin(world);
	change->has_come[number] = true;
	come(world, number);
	commit(world);
	each = world->share->table.count / copies;
	assert_in_range(world->model.changes, each, each + 1);
	assert_int_equal(buckets_of(world->model.buckets, number), world->model.changes);
	change_check(change, world);
	world_free(world);
}

TEST(one_that_comes_takes_its_fair_part_and_no_more)
{
	for (unsigned int copies = 1; copies <= FEW; copies++)
		for (unsigned int number = 1; number <= copies; number += copies / 3 + 1)
			check_one_that_comes(PLAN_SOURCE, copies, number);
	for (unsigned int copies = FEW + 1; copies <= MANY; copies += 29) {
		check_one_that_comes(PLAN_SOURCE, copies, copies / 2);
		check_one_that_comes(PLAN_ROUND_ROBIN, copies, 1);
	}
}

/* What can happen to a copy between two commits; also more than one thing. */
static void happen(struct world *world, struct change *change, unsigned int number,
		   unsigned int what)
{
	bool was_in = world->members[number].is_published;

	if (what == 0)
		go(world, number);
	else if (what == 1 && world->members[number].has_backend)
		fall_silent(world, number);
	else
		come(world, number);
	change->has_gone[number] |= was_in && !world->members[number].is_published;
	change->has_come[number] |= !was_in && world->members[number].is_published;
}

static void check_whatever_happens(enum plan_balance balance, unsigned int copies, bool moves_few)
{
	struct random_stream stream = random_start();
	struct world *world = world_of(balance, copies, copies / 2);

	for (unsigned int round = 0; round < 300; round++) {
		struct change *change = change_begin(world);

		for (uint32_t times = random_below(&stream, 8); times > 0; times--)
			happen(world, change, 1 + random_below(&stream, copies),
			       random_below(&stream, 4));
		commit(world);
		if (members_in(world) > 0)
			check_even(world, world->share->table.count);
		if (moves_few)
			change_check(change, world);
		else
			free(change);
	}
	for (unsigned int number = 1; number <= copies; number++)
		go(world, number);
	commit(world);
	world_free(world);
}

TEST(whatever_happens_nothing_leads_to_one_that_has_gone)
{
	check_whatever_happens(PLAN_ROUND_ROBIN, 5, false);
	check_whatever_happens(PLAN_SOURCE, 5, true);
	check_whatever_happens(PLAN_RANDOM, FEW, false);
	check_whatever_happens(PLAN_SOURCE, FEW, true);
	check_whatever_happens(PLAN_ROUND_ROBIN, 100, true);
	check_whatever_happens(PLAN_SOURCE, MANY, true);
}

TEST(without_a_change_nothing_is_sent)
{
	struct world *world = world_of(PLAN_ROUND_ROBIN, 7, 7);
	size_t length = world->nat.batch.length;

	come(world, 3); /* it still listens */
	share_settle(world->share);
	assert_int_equal(world->nat.batch.length, length);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_to_42_copies_have_the_same_within_5_percent),
		cmocka_unit_test(up_to_420_copies_have_the_same_within_5_percent),
		cmocka_unit_test(all_that_come_at_once_have_the_same_within_5_percent),
		cmocka_unit_test(few_copies_get_connections_strictly_in_turn),
		cmocka_unit_test(
			many_copies_get_connections_strictly_in_turn_when_none_comes_or_goes),
		cmocka_unit_test(a_client_that_stays_with_its_copy_is_not_moved_for_the_turn),
		cmocka_unit_test(one_that_goes_moves_only_its_own_clients),
		cmocka_unit_test(one_that_comes_takes_its_fair_part_and_no_more),
		cmocka_unit_test(whatever_happens_nothing_leads_to_one_that_has_gone),
		cmocka_unit_test(without_a_change_nothing_is_sent),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
