// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_restart.c - who starts again, and how the delay grows.
 */
#include "run/restart.h"

#include "unit.h"

static const uint64_t S = 1000000000ULL;

TEST(each_policy_decides_by_how_the_copy_has_ended)
{
	assert_false(restart_is_wanted(PLAN_RESTART_NO, true));
	assert_false(restart_is_wanted(PLAN_RESTART_NO, false));
	assert_false(restart_is_wanted(PLAN_RESTART_ON_FAILURE, true));
	assert_true(restart_is_wanted(PLAN_RESTART_ON_FAILURE, false));
	assert_true(restart_is_wanted(PLAN_RESTART_ALWAYS, true));
	assert_true(restart_is_wanted(PLAN_RESTART_ALWAYS, false));
}

TEST(the_delay_doubles_up_to_ten_seconds)
{
	static const unsigned int delays[] = {100,  200,  400,   800,   1600,
					      3200, 6400, 10000, 10000, 10000};
	struct restart restart = {0};

	for (size_t i = 0; i < COUNT(delays); i++)
		assert_int_equal(restart_next_ms(&restart), delays[i]);
}

/* Ready from @since to @until, and then it ends. */
static unsigned int delay_after(struct restart *restart, uint64_t since, uint64_t until)
{
	restart_ready(restart, true, since);
	restart_ready(restart, false, until);
	return restart_next_ms(restart);
}

TEST(ten_seconds_of_readiness_reset_it)
{
	struct restart restart = {0};

	assert_int_equal(delay_after(&restart, 1 * S, 2 * S), 100);
	assert_int_equal(delay_after(&restart, 3 * S, 13 * S - 1), 200);
	assert_int_equal(delay_after(&restart, 20 * S, 30 * S), 100);
	assert_int_equal(delay_after(&restart, 40 * S, 41 * S), 200);
}

TEST(the_time_counts_from_when_it_became_ready)
{
	struct restart restart = {0};

	restart_next_ms(&restart);
	restart_ready(&restart, true, 1 * S);
	restart_ready(&restart, true, 9 * S);
	restart_ready(&restart, false, 12 * S);
	assert_int_equal(restart_next_ms(&restart), 100);
}

TEST(times_of_readiness_are_not_added_up)
{
	struct restart restart = {0};

	restart_next_ms(&restart);
	for (uint64_t at = 1; at < 30; at += 6) {
		restart_ready(&restart, true, at * S);
		restart_ready(&restart, false, (at + 5) * S);
	}
	assert_int_equal(restart_next_ms(&restart), 200);
}

/* It stopped listening before it ended: it has worked all the same. */
TEST(a_copy_that_was_ready_long_enough_once_need_not_be_at_its_end)
{
	struct restart restart = {0};

	restart_next_ms(&restart);
	restart_ready(&restart, true, 1 * S);
	restart_ready(&restart, false, 12 * S);
	restart_ready(&restart, false, 13 * S);
	assert_int_equal(restart_next_ms(&restart), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_policy_decides_by_how_the_copy_has_ended),
		cmocka_unit_test(the_delay_doubles_up_to_ten_seconds),
		cmocka_unit_test(ten_seconds_of_readiness_reset_it),
		cmocka_unit_test(the_time_counts_from_when_it_became_ready),
		cmocka_unit_test(times_of_readiness_are_not_added_up),
		cmocka_unit_test(a_copy_that_was_ready_long_enough_once_need_not_be_at_its_end),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
