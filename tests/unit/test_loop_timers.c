// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_loop_timers.c - the timers of a loop: each is called once, in the order of their times, and
 * never too early, however they are set and cleared; and how long a turn of the loop waits.
 */
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/loop.h"
#include "unit.h"

enum { HOUR_MS = 3600000 };

/* More than any turn here may take, on however slow a machine. */
static const uint64_t LONG_NS = UINT64_C(20) * 1000 * 1000 * 1000;

static uint64_t ms_to_ns(unsigned int ms)
{
	return (uint64_t)ms * 1000 * 1000;
}

/* ---- Any order: compared with a list that is searched for the least ---- */

enum { ALARMS = 300 };

struct model;

/* A timer, and what is expected of it. */
struct alarm {
	struct loop_timer timer;
	struct model *model;
	bool is_expected; /* it has been set, and neither been called nor cleared since */
	uint64_t due_ns;
};

struct model {
	struct loop loop;
	struct random_stream random;
	struct alarm alarms[ALARMS];
	unsigned int changes; /* that the callbacks may still make */
};

/* When the first of them is due; UINT64_MAX: none is expected. */
static uint64_t model_due(const struct model *model)
{
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < ALARMS; i++) {
		const struct alarm *alarm = &model->alarms[i];

		if (alarm->is_expected && alarm->due_ns < due_ns)
			due_ns = alarm->due_ns;
	}
	return due_ns;
}

/* Sets or clears one of them, whether it was set or not. */
static void model_change(struct model *model)
{
	struct alarm *alarm = &model->alarms[random_below(&model->random, ALARMS)];
	unsigned int ms = random_below(&model->random, 1 + random_below(&model->random, 30));
	uint64_t before = loop_now_ns();

	alarm->is_expected = random_below(&model->random, 3) > 0;
	if (!alarm->is_expected) {
		loop_clear_timer(&model->loop, &alarm->timer);
		return;
	}
	loop_set_timer(&model->loop, &alarm->timer, ms);
	alarm->due_ns = alarm->timer.due_ns;
	assert_in_range(alarm->due_ns, before + ms_to_ns(ms), loop_now_ns() + ms_to_ns(ms));
}

static void alarm_on_time(void *data)
{
	struct alarm *alarm = data;
	struct model *model = alarm->model;

	assert_true(alarm->is_expected);
	assert_true(alarm->due_ns <= loop_now_ns());
	assert_int_equal(alarm->due_ns, model_due(model));
	alarm->is_expected = false;
	for (uint32_t left = random_below(&model->random, 4); left > 0 && model->changes > 0;
	     left--) {
		model->changes--;
		model_change(model);
	}
}

TEST(timers_come_in_the_order_of_their_times)
{
	static struct model model;
	uint64_t due_ns;

	model.random = random_start();
	assert_int_equal(loop_open(&model.loop), 0);
	for (size_t i = 0; i < ALARMS; i++) {
		model.alarms[i] = (struct alarm){.model = &model};
		model.alarms[i].timer.on_time = alarm_on_time;
		model.alarms[i].timer.data = &model.alarms[i];
	}
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 2 * ALARMS; i++)
			model_change(&model);
		model.changes = 2 * ALARMS;
		while ((due_ns = model_due(&model)) < UINT64_MAX) {
			assert_non_null(model.loop.first);
			assert_int_equal(model.loop.first->due_ns, due_ns);
			assert_int_equal(loop_turn(&model.loop), 0);
		}
		assert_null(model.loop.first);
	}
	loop_close(&model.loop);
}

/* ---- One or two ---- */

/* A timer that counts its calls, and sets or clears one more timer in each. */
struct bell {
	struct loop *loop;
	struct loop_timer timer;
	unsigned int calls;
	struct bell *anew;    /* set in the callback, in @ms; NULL: none */
	struct bell *cleared; /* cleared in the callback; NULL: none */
	unsigned int ms;
};

static void bell_on_time(void *data)
{
	struct bell *bell = data;

	assert_false(bell->timer.is_set);
	bell->calls++;
	if (bell->anew)
		loop_set_timer(bell->loop, &bell->anew->timer, bell->ms);
	if (bell->cleared)
		loop_clear_timer(bell->loop, &bell->cleared->timer);
}

static void bell_init(struct bell *bell, struct loop *loop)
{
	*bell = (struct bell){.loop = loop};
	bell->timer.on_time = bell_on_time;
	bell->timer.data = bell;
}

/* Turns the loop, as often as it takes, until @ms have gone by. */
static void turn_for(struct loop *loop, unsigned int ms)
{
	struct bell end;

	bell_init(&end, loop);
	loop_set_timer(loop, &end.timer, ms);
	while (end.calls == 0)
		assert_int_equal(loop_turn(loop), 0);
}

TEST(a_timer_is_called_once)
{
	struct bell bell;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	bell_init(&bell, &loop);
	loop_set_timer(&loop, &bell.timer, 0);
	assert_true(bell.timer.is_set);
	turn_for(&loop, 2);
	assert_int_equal(bell.calls, 1);
	assert_false(bell.timer.is_set);
	loop_close(&loop);
}

TEST(a_later_setting_replaces_an_earlier_one)
{
	struct bell bell;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	bell_init(&bell, &loop);
	loop_set_timer(&loop, &bell.timer, 0);
	loop_set_timer(&loop, &bell.timer, HOUR_MS);
	turn_for(&loop, 1);
	assert_int_equal(bell.calls, 0);
	loop_set_timer(&loop, &bell.timer, 0);
	turn_for(&loop, 1);
	assert_int_equal(bell.calls, 1);
	loop_close(&loop);
}

TEST(a_cleared_timer_is_not_called)
{
	struct bell bell;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	bell_init(&bell, &loop);
	loop_clear_timer(&loop, &bell.timer); /* it has never been set */
	loop_set_timer(&loop, &bell.timer, 0);
	loop_clear_timer(&loop, &bell.timer);
	loop_clear_timer(&loop, &bell.timer);
	turn_for(&loop, 1);
	assert_int_equal(bell.calls, 0);
	loop_close(&loop);
}

/* Both are due when the turn begins. */
TEST(a_timer_that_another_one_clears_is_not_called)
{
	struct bell first, second;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	bell_init(&first, &loop);
	bell_init(&second, &loop);
	first.cleared = &second;
	second.cleared = &first;
	loop_set_timer(&loop, &first.timer, 0);
	loop_set_timer(&loop, &second.timer, 0);
	turn_for(&loop, 1);
	assert_int_equal(first.calls + second.calls, 1);
	loop_close(&loop);
}

TEST(a_timer_may_set_itself_anew)
{
	struct bell bell;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	bell_init(&bell, &loop);
	bell.anew = &bell;
	bell.ms = 2;
	loop_set_timer(&loop, &bell.timer, 0);
	for (unsigned int calls = 1; calls <= 5; calls++) {
		uint64_t due = bell.timer.due_ns;

		assert_int_equal(loop_turn(&loop), 0);
		assert_int_equal(bell.calls, calls);
		assert_true(bell.timer.is_set);
		assert_true(bell.timer.due_ns >= due + ms_to_ns(2));
	}
	loop_close(&loop);
}

static void count_event(void *data, uint32_t events)
{
	unsigned int *calls = data;

	assert_int_equal(events, EPOLLIN);
	(*calls)++;
}

TEST(a_timer_that_is_always_due_lets_others_in)
{
	unsigned int calls = 0;
	struct loop_source source = {
		.fd = eventfd(1, EFD_CLOEXEC), .on_event = count_event, .data = &calls};
	struct bell greedy, other;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(loop_watch(&loop, &source, EPOLLIN), 0);
	bell_init(&greedy, &loop);
	bell_init(&other, &loop);
	greedy.anew = &greedy; /* in 0 ms */
	other.anew = &other;
	loop_set_timer(&loop, &greedy.timer, 0);
	loop_set_timer(&loop, &other.timer, 0);
	for (unsigned int turns = 1; turns <= 100; turns++) {
		assert_int_equal(loop_turn(&loop), 0);
		assert_int_equal(calls, turns);
		assert_int_equal(greedy.calls, turns);
		assert_int_equal(other.calls, turns);
	}
	loop_forget(&loop, &source);
	close(source.fd);
	loop_close(&loop);
}

/* ---- How long a turn waits ---- */

TEST(a_turn_waits_until_the_first_timer_and_not_longer)
{
	struct bell first, later, cleared;
	struct loop loop;
	uint64_t start = loop_now_ns(), waited;

	assert_int_equal(loop_open(&loop), 0);
	bell_init(&first, &loop);
	bell_init(&later, &loop);
	bell_init(&cleared, &loop);
	loop_set_timer(&loop, &later.timer, HOUR_MS);
	loop_set_timer(&loop, &first.timer, 30);
	loop_set_timer(&loop, &cleared.timer, 1);
	loop_clear_timer(&loop, &cleared.timer);
	assert_int_equal(loop_turn(&loop), 0);
	waited = loop_now_ns() - start;
	assert_int_equal(first.calls, 1); /* one turn was enough */
	assert_int_equal(later.calls, 0);
	assert_in_range(waited, ms_to_ns(30), LONG_NS);
	loop_close(&loop);
}

/* The longest time there is. */
TEST(an_event_does_not_wait_for_a_timer)
{
	unsigned int calls = 0;
	struct loop_source source = {
		.fd = eventfd(1, EFD_CLOEXEC), .on_event = count_event, .data = &calls};
	uint64_t start = loop_now_ns();
	struct bell bell;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(loop_watch(&loop, &source, EPOLLIN), 0);
	bell_init(&bell, &loop);
	loop_set_timer(&loop, &bell.timer, UINT_MAX);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(bell.calls, 0);
	assert_true(loop_now_ns() - start < LONG_NS);
	loop_forget(&loop, &source);
	close(source.fd);
	loop_close(&loop);
}

/* ---- Memory ---- */

static void bell_free(void *data)
{
	struct bell *bell = data;

	if (bell->cleared) {
		loop_clear_timer(bell->loop, &bell->cleared->timer);
		free(bell->cleared);
	}
	free(bell);
}

/* The address sanitizer would tell if the loop looked at them once more. */
TEST(timers_may_be_freed_in_a_callback)
{
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	for (int i = 0; i < 50; i++) {
		struct bell *bell = malloc(sizeof(*bell)), *other = malloc(sizeof(*other));

		assert_non_null(bell);
		assert_non_null(other);
		bell_init(bell, &loop);
		bell_init(other, &loop);
		bell->timer.on_time = bell_free;
		bell->cleared = other;
		loop_set_timer(&loop, &other->timer, 1);
		loop_set_timer(&loop, &bell->timer, 0);
	}
	while (loop.first)
		assert_int_equal(loop_turn(&loop), 0);
	loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_come_in_the_order_of_their_times),
		cmocka_unit_test(a_timer_is_called_once),
		cmocka_unit_test(a_later_setting_replaces_an_earlier_one),
		cmocka_unit_test(a_cleared_timer_is_not_called),
		cmocka_unit_test(a_timer_that_another_one_clears_is_not_called),
		cmocka_unit_test(a_timer_may_set_itself_anew),
		cmocka_unit_test(a_timer_that_is_always_due_lets_others_in),
		cmocka_unit_test(a_turn_waits_until_the_first_timer_and_not_longer),
		cmocka_unit_test(an_event_does_not_wait_for_a_timer),
		cmocka_unit_test(timers_may_be_freed_in_a_callback),
	};

	return cmocka_run_group_tests_name("loop_timers", tests, NULL, NULL);
}
