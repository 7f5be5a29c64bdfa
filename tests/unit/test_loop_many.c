// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_loop_many.c - many sources of one loop, watched and forgotten at random; and a loop that is
 * a source of another.
 */
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/loop.h"
#include "unit.h"

static int event_new(unsigned int count)
{
	return eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* ---- Many ---- */

enum { MANY = 300 };

struct crowd;

struct member {
	struct crowd *crowd;
	struct loop_source source;
	bool is_expected; /* watched: it may be called */
	bool is_touched;  /* forgotten or watched in this round */
	unsigned int calls;
};

struct crowd {
	struct loop loop;
	struct random_stream random;
	struct member members[MANY];
	size_t count;
	void (*act)(struct member *member);
};

static void member_on_event(void *data, uint32_t events)
{
	struct member *member = data;

	assert_int_equal(events, EPOLLIN);
	assert_true(member->is_expected);
	member->calls++;
	member->crowd->act(member);
}

static void member_watch(struct member *member)
{
	assert_int_equal(loop_watch(&member->crowd->loop, &member->source, EPOLLIN), 0);
	member->is_expected = member->is_touched = true;
}

static void member_forget(struct member *member)
{
	loop_forget(&member->crowd->loop, &member->source);
	member->is_expected = false;
	member->is_touched = true;
}

/* @count sources, all of which are readable. */
static void crowd_open(struct crowd *crowd, size_t count, void (*act)(struct member *member))
{
	*crowd = (struct crowd){.count = count, .act = act};
	assert_int_equal(loop_open(&crowd->loop), 0);
	for (size_t i = 0; i < count; i++) {
		struct member *member = &crowd->members[i];

		member->crowd = crowd;
		member->source = (struct loop_source){
			.fd = event_new(1), .on_event = member_on_event, .data = member};
		assert_true(member->source.fd >= 0);
		member_watch(member);
	}
}

static void crowd_close(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++) {
		member_forget(&crowd->members[i]);
		close(crowd->members[i].source.fd);
	}
	loop_close(&crowd->loop);
}

static void take(struct member *member)
{
	eventfd_t value;

	assert_int_equal(eventfd_read(member->source.fd, &value), 0);
}

/* More than one call of epoll_pwait2(2) returns. */
TEST(every_one_of_many_is_called_once_for_what_it_takes)
{
	static struct crowd crowd;

	crowd_open(&crowd, MANY, take);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(loop_poll(&crowd.loop), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(crowd.members[i].calls, 1);
	crowd_close(&crowd);
}

static void nothing(struct member *member)
{
	(void)member;
}

/* None of them takes what is there, so each is ready all the time. */
TEST(those_that_are_always_ready_let_others_in)
{
	static struct crowd crowd;
	unsigned int fewest = UINT_MAX, most = 0;

	crowd_open(&crowd, MANY, nothing);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(loop_poll(&crowd.loop), 0);
	for (size_t i = 0; i < MANY; i++) {
		unsigned int calls = crowd.members[i].calls;

		fewest = calls < fewest ? calls : fewest;
		most = calls > most ? calls : most;
	}
	assert_true(fewest > 0);
	assert_in_range(most, fewest, 2 * fewest);
	crowd_close(&crowd);
}

/* Watches or forgets a few, itself perhaps among them. */
static void meddle(struct member *member)
{
	struct crowd *crowd = member->crowd;

	for (uint32_t left = random_below(&crowd->random, 4); left > 0; left--) {
		struct member *other = &crowd->members[random_below(&crowd->random, crowd->count)];

		if (random_below(&crowd->random, 3) > 0)
			member_watch(other);
		else
			member_forget(other);
	}
}

TEST(only_those_that_are_watched_are_called_whatever_the_callbacks_do)
{
	enum { FEW = 40, ROUNDS = 500 }; /* so few come all at once */
	static struct crowd crowd;

	crowd_open(&crowd, FEW, meddle);
	crowd.random = random_start();
	for (int round = 0; round < ROUNDS; round++) {
		bool was_expected[FEW];

		member_watch(&crowd.members[0]); /* they must not all be forgotten */
		for (size_t i = 0; i < FEW; i++) {
			crowd.members[i].calls = 0;
			crowd.members[i].is_touched = false;
			was_expected[i] = crowd.members[i].is_expected;
		}
		assert_int_equal(loop_poll(&crowd.loop), 0);
		for (size_t i = 0; i < FEW; i++) {
			assert_true(crowd.members[i].calls <= was_expected[i]);
			if (!crowd.members[i].is_touched)
				assert_int_equal(crowd.members[i].calls, was_expected[i]);
		}
	}
	crowd_close(&crowd);
}

/* ---- A loop in a loop ---- */

/* @inner is a source of @outer, and a crowd of two is in it. */
struct nest {
	struct loop outer;
	struct crowd *inner;
	struct loop_source source;
	unsigned int calls;
};

static void nest_on_event(void *data, uint32_t events)
{
	struct nest *nest = data;

	assert_int_equal(events, EPOLLIN);
	nest->calls++;
	assert_int_equal(loop_poll(&nest->inner->loop), 0);
}

static void nest_open(struct nest *nest, struct crowd *inner, void (*act)(struct member *member))
{
	crowd_open(inner, 2, act);
	*nest = (struct nest){.inner = inner};
	nest->source = (struct loop_source){
		.fd = loop_descriptor(&inner->loop), .on_event = nest_on_event, .data = nest};
	assert_int_equal(loop_open(&nest->outer), 0);
	assert_int_equal(loop_watch(&nest->outer, &nest->source, EPOLLIN), 0);
}

static void nest_close(struct nest *nest)
{
	loop_forget(&nest->outer, &nest->source);
	loop_close(&nest->outer);
	crowd_close(nest->inner);
}

/* Polls the outer loop, which calls the inner one @nested times, and its members @each. */
static void assert_polled(struct nest *nest, unsigned int nested, unsigned int each)
{
	nest->calls = 0;
	for (size_t i = 0; i < nest->inner->count; i++)
		nest->inner->members[i].calls = 0;
	assert_int_equal(loop_poll(&nest->outer), 0);
	assert_int_equal(nest->calls, nested);
	for (size_t i = 0; i < nest->inner->count; i++)
		assert_int_equal(nest->inner->members[i].calls, each);
}

TEST(a_loop_is_readable_as_long_as_one_of_its_sources_is)
{
	static struct crowd inner;
	struct nest nest;

	nest_open(&nest, &inner, nothing);
	assert_polled(&nest, 1, 1);
	assert_polled(&nest, 1, 1);
	inner.act = take;
	assert_polled(&nest, 1, 1);
	assert_polled(&nest, 0, 0);
	assert_int_equal(eventfd_write(inner.members[1].source.fd, 1), 0);
	assert_int_equal(loop_poll(&nest.outer), 0);
	assert_int_equal(inner.members[1].calls, 1);
	nest_close(&nest);
}

TEST(one_call_mutes_all_sources_of_a_loop)
{
	static struct crowd inner;
	struct nest nest;

	nest_open(&nest, &inner, nothing);
	assert_int_equal(loop_watch(&nest.outer, &nest.source, 0), 0);
	assert_polled(&nest, 0, 0);
	assert_int_equal(loop_watch(&nest.outer, &nest.source, EPOLLIN), 0);
	assert_polled(&nest, 1, 1);
	loop_forget(&nest.outer, &nest.source);
	assert_polled(&nest, 0, 0);
	assert_int_equal(loop_watch(&nest.outer, &nest.source, EPOLLIN), 0);
	assert_polled(&nest, 1, 1);
	nest_close(&nest);
}

TEST(sources_of_an_inner_loop_may_forget_themselves)
{
	static struct crowd inner;
	struct nest nest;

	nest_open(&nest, &inner, member_forget);
	assert_polled(&nest, 1, 1);
	assert_polled(&nest, 0, 0);
	nest_close(&nest);
}

static void timer_never(void *data)
{
	(void)data;
	fail_msg("a timer of the inner loop was called");
}

TEST(timers_of_an_inner_loop_are_not_seen_through_it)
{
	static struct crowd inner;
	struct loop_timer timer = {.on_time = timer_never};
	struct nest nest;

	nest_open(&nest, &inner, take);
	assert_polled(&nest, 1, 1);
	loop_set_timer(&inner.loop, &timer, 0);
	assert_polled(&nest, 0, 0);
	loop_clear_timer(&inner.loop, &timer);
	nest_close(&nest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_one_of_many_is_called_once_for_what_it_takes),
		cmocka_unit_test(those_that_are_always_ready_let_others_in),
		cmocka_unit_test(only_those_that_are_watched_are_called_whatever_the_callbacks_do),
		cmocka_unit_test(a_loop_is_readable_as_long_as_one_of_its_sources_is),
		cmocka_unit_test(one_call_mutes_all_sources_of_a_loop),
		cmocka_unit_test(sources_of_an_inner_loop_may_forget_themselves),
		cmocka_unit_test(timers_of_an_inner_loop_are_not_seen_through_it),
	};

	return cmocka_run_group_tests_name("loop_many", tests, NULL, NULL);
}
