// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_share_port.c - a shared port as a whole: where it leads, its names, and when memory runs
 * out.
 */
#include "base/error.h"
#include "base/pool.h"
#include "share_fixture.h"

/* ---- The port itself ---- */

TEST(the_last_one_that_goes_withdraws_the_port)
{
	struct world *world = world_of(PLAN_SOURCE, 2, 2);

	go(world, 2);
	commit(world);
	assert_string_equal(world->model.published, "shared-tcp-8081");
	fall_silent(world, 1);
	commit(world);
	assert_string_equal(world->model.published, "");
	assert_int_equal(buckets_of(world->model.buckets, 0), BUCKETS_MAX);
	come(world, 2);
	commit(world);
	assert_string_equal(world->model.published, "shared-tcp-8081");
	world_free(world);
}

TEST(a_share_that_is_removed_leaves_nothing)
{
	struct world *world = world_of(PLAN_ROUND_ROBIN, 3, 3);

	for (unsigned int number = 1; number <= 3; number++)
		go(world, number);
	share_uninstall(world->share);
	take_batch(world);
	assert_string_equal(world->model.published, "");
	assert_int_equal(buckets_of(world->model.buckets, 0), BUCKETS_MAX);
	world_free(world);
}

TEST(its_names_tell_the_port_and_which_of_its_addresses)
{
	struct mapping head = {.port = {.protocol = IPPROTO_UDP, .number = 65535}};
	struct share *share = share_new(&head, PLAN_SOURCE, 1023, 1023);

	assert_string_equal(share->chain, "shared-udp-65535-1023");
	assert_string_equal(share->map, "buckets-udp-65535-1023");
	assert_string_equal(share->comment, "port 65535, shared by the copies: by source address");
	share_free(share);
	share_free(NULL);
}

/* ---- Memory runs out ---- */

void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__real_pool_take(struct pool *pool);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_pool_take(struct pool *pool);

static int allocations_left = -1; /* before they fail; -1: they never do */
static unsigned int reports;

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_reallocarray(old, count, size);
}

void *__wrap_pool_take(struct pool *pool)
{
	int left = allocations_left;
	void *object;

	if (allocation_fails())
		return NULL;
	allocations_left = -1; /* with a sanitizer it calls calloc() */
	object = __real_pool_take(pool);
	allocations_left = left > 0 ? left - 1 : left;
	return object;
}

static void count_report(void *data, const char *line, size_t length)
{
	(void)data;
	(void)line;
	(void)length;
	reports++;
}

/* The allocation after @count others fails, in what is done up to memory_returns(). */
static void memory_fails_after(int count)
{
	reports = 0;
	error_redirect(count_report, NULL);
	allocations_left = count;
}

static void memory_returns(void)
{
	allocations_left = -1;
	error_redirect(NULL, NULL);
}

TEST(without_memory_there_is_no_share)
{
	struct mapping head = {.port = {.protocol = IPPROTO_TCP, .number = HOST_PORT}};

	for (int count = 0; count < 2; count++) {
		memory_fails_after(count);
		assert_null(share_new(&head, PLAN_ROUND_ROBIN, 2, 1));
		memory_returns();
		assert_int_equal(reports, 1);
	}
}

TEST(without_memory_a_copy_stays_out_until_there_is_some)
{
	struct world *world = world_of(PLAN_SOURCE, 8, 0);
	unsigned int kept_out = 0;

	for (unsigned int number = 1; number <= 8; number++) {
		memory_fails_after(0);
		come(world, number);
		memory_returns();
		kept_out += reports;
		assert_int_equal(world->members[number].is_published, reports == 0);
		commit(world);
		come(world, number);
		commit(world);
		assert_int_equal(members_in(world), number);
	}
	assert_true(kept_out > 0);
	world_free(world);
}

TEST(without_memory_all_stays_as_it_is_until_there_is_some)
{
	for (int count = 0; count < 2; count++) {
		struct world *world = world_of(PLAN_SOURCE, 3, 2);
		struct model before = world->model;
		size_t length;

		come(world, 3);
		take_batch(world);
		length = world->nat.batch.length;
		memory_fails_after(count);
		share_settle(world->share);
		memory_returns();
		assert_int_equal(world->nat.batch.length, length);
		assert_memory_equal(world->model.buckets, before.buckets, sizeof(before.buckets));
		commit(world);
		assert_int_equal(buckets_of(world->model.buckets, 3), 280);
		world_free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_that_goes_withdraws_the_port),
		cmocka_unit_test(a_share_that_is_removed_leaves_nothing),
		cmocka_unit_test(its_names_tell_the_port_and_which_of_its_addresses),
		cmocka_unit_test(without_memory_there_is_no_share),
		cmocka_unit_test(without_memory_a_copy_stays_out_until_there_is_some),
		cmocka_unit_test(without_memory_all_stays_as_it_is_until_there_is_some),
	};

	return cmocka_run_group_tests_name("share: the port", tests, NULL, NULL);
}
