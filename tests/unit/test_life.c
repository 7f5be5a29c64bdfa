// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_life.c - the life of a copy: the whole table, and what holds for every state in it.
 */
#include "run/life.h"

#include <assert.h>
#include <string.h>

#include "unit.h"

enum { LINES = 1 + 2 * LIFE_STATES, WIDTH_MAX = 128, GRACE_MS = 700, DRAIN_MS = 900 };

/*
 * Two lines for each state: under each event the state that it leads to, and below that the action.
 * "-" in both: the copy stays in this state, and nothing is done.
 */
static const char *const TABLE[] = {
	"          START     SET_UP   LISTENS DEAF      DRAIN    DRAINED   STOP      KILL   "
	"DEADLINE  EXITED",
	"ended     preparing -        -       -         -        -         -         -      -      "
	"   -",
	"          spawn     -        -       -         -        -         -         -      -      "
	"   -",
	"preparing -         starting -       -         killed   -         killed    killed killed "
	"   ended",
	"          -         follow   -       -         force    -         force     force  "
	"tell_lost bury",
	"starting  -         -        ready   -         draining -         ending    killed "
	"not_ready ended",
	"          -         -        nothing -         withdraw -         terminate force  "
	"tell_late bury",
	"ready     -         -        -       not_ready draining -         ending    killed -      "
	"   ended",
	"          -         -        -       nothing   withdraw -         terminate force  -      "
	"   bury",
	"not_ready -         -        ready   -         draining -         ending    killed -      "
	"   ended",
	"          -         -        nothing -         withdraw -         terminate force  -      "
	"   bury",
	"draining  -         -        -       -         -        ending    ending    killed ending "
	"   ended",
	"          -         -        -       -         -        terminate terminate force  "
	"tell_cut  bury",
	"ending    -         -        -       -         -        -         -         killed killed "
	"   ended",
	"          -         -        -       -         -        -         -         force  force  "
	"   bury",
	"killed    -         -        -       -         -        -         -         -      killed "
	"   ended",
	"          -         -        -       -         -        -         -         -      "
	"give_up   bury",
};

static_assert(COUNT(TABLE) == LINES, "a state has no row in the table");

static const char *const STATES[] = {
	[LIFE_ENDED] = "ended",   [LIFE_PREPARING] = "preparing", [LIFE_STARTING] = "starting",
	[LIFE_READY] = "ready",   [LIFE_NOT_READY] = "not_ready", [LIFE_DRAINING] = "draining",
	[LIFE_ENDING] = "ending", [LIFE_KILLED] = "killed",
};

static_assert(COUNT(STATES) == LIFE_STATES, "a state has no name");

static const char *const EVENTS[] = {
	[LIFE_START] = "START",   [LIFE_SET_UP] = "SET_UP", [LIFE_LISTENS] = "LISTENS",
	[LIFE_DEAF] = "DEAF",     [LIFE_DRAIN] = "DRAIN",   [LIFE_DRAINED] = "DRAINED",
	[LIFE_STOP] = "STOP",     [LIFE_KILL] = "KILL",     [LIFE_DEADLINE] = "DEADLINE",
	[LIFE_EXITED] = "EXITED",
};

static_assert(COUNT(EVENTS) == LIFE_EVENTS, "an event has no name");

static const char *const ACTIONS[] = {
	[LIFE_NOTHING] = "nothing",     [LIFE_SPAWN] = "spawn",
	[LIFE_FOLLOW] = "follow",       [LIFE_TELL_LATE] = "tell_late",
	[LIFE_WITHDRAW] = "withdraw",   [LIFE_TELL_CUT] = "tell_cut",
	[LIFE_TERMINATE] = "terminate", [LIFE_FORCE] = "force",
	[LIFE_TELL_LOST] = "tell_lost", [LIFE_GIVE_UP] = "give_up",
	[LIFE_BURY] = "bury",
};

/* ---- The table ---- */

static bool stays(enum life_state state, struct life_step step)
{
	return step.next == state && step.action == LIFE_NOTHING;
}

/* Adds @word to @line, at the column of @event. */
static void line_add(char *line, enum life_event event, const char *word)
{
	size_t column = (size_t)(strstr(TABLE[0], EVENTS[event]) - TABLE[0]);
	size_t length = strlen(line);

	snprintf(line + length, WIDTH_MAX - length, "%*s%s",
		 column > length ? (int)(column - length) : 1, "", word);
}

/* What life_next() says, as the two lines of @state. */
static void lines_of(enum life_state state, char *nexts, char *actions)
{
	snprintf(nexts, WIDTH_MAX, "%s", STATES[state]);
	actions[0] = '\0';
	for (enum life_event event = 0; event < LIFE_EVENTS; event++) {
		struct life_step step = life_next(state, event);

		assert_in_range(step.next, 0, LIFE_STATES - 1);
		assert_in_range(step.action, 0, COUNT(ACTIONS) - 1);
		line_add(nexts, event, stays(state, step) ? "-" : STATES[step.next]);
		line_add(actions, event, stays(state, step) ? "-" : ACTIONS[step.action]);
	}
}

TEST(every_event_leads_where_the_table_says)
{
	char header[WIDTH_MAX] = "", nexts[WIDTH_MAX], actions[WIDTH_MAX];

	for (enum life_event event = 0; event < LIFE_EVENTS; event++) {
		assert_non_null(strstr(TABLE[0], EVENTS[event]));
		line_add(header, event, EVENTS[event]);
	}
	assert_string_equal(header, TABLE[0]);
	for (enum life_state from = 0; from < LIFE_STATES; from++) {
		lines_of(from, nexts, actions);
		assert_string_equal(nexts, TABLE[1 + 2 * from]);
		assert_string_equal(actions, TABLE[2 + 2 * from]);
	}
}

/* ---- What holds for every state ---- */

TEST(only_an_ended_copy_is_not_live)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++)
		assert_int_equal(!life_is_live(from), from == LIFE_ENDED);
}

TEST(a_copy_that_has_exited_is_buried_once)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++) {
		struct life_step step = life_next(from, LIFE_EXITED);

		assert_int_equal(step.next, LIFE_ENDED);
		assert_int_equal(step.action, life_is_live(from) ? LIFE_BURY : LIFE_NOTHING);
	}
}

TEST(only_a_copy_that_has_exited_is_buried)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++)
		for (enum life_event event = 0; event < LIFE_EVENTS; event++)
			if (life_is_live(from) && event != LIFE_EXITED) {
				assert_int_not_equal(life_next(from, event).next, LIFE_ENDED);
				assert_int_not_equal(life_next(from, event).action, LIFE_BURY);
			}
}

TEST(every_live_copy_can_be_killed_and_gets_one_sigkill)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++) {
		struct life_step step = life_next(from, LIFE_KILL);
		bool is_first = life_is_live(from) && from != LIFE_KILLED;

		assert_int_equal(step.next, life_is_live(from) ? LIFE_KILLED : LIFE_ENDED);
		assert_int_equal(step.action, is_first ? LIFE_FORCE : LIFE_NOTHING);
	}
}

TEST(only_a_start_makes_an_ended_copy_live)
{
	for (enum life_event event = 0; event < LIFE_EVENTS; event++)
		if (event != LIFE_START)
			assert_true(stays(LIFE_ENDED, life_next(LIFE_ENDED, event)));
	assert_int_equal(life_next(LIFE_ENDED, LIFE_START).next, LIFE_PREPARING);
}

TEST(only_an_ended_copy_is_spawned)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++)
		for (enum life_event event = 0; event < LIFE_EVENTS; event++)
			if (life_next(from, event).action == LIFE_SPAWN)
				assert_int_equal(from, LIFE_ENDED);
}

/* A copy may listen, or not, as long as it likes, and an ended one waits for nothing. */
TEST(a_state_that_may_last_for_ever_has_no_deadline)
{
	static const bool lasts[LIFE_STATES] = {
		[LIFE_ENDED] = true,
		[LIFE_READY] = true,
		[LIFE_NOT_READY] = true,
	};

	for (enum life_state from = 0; from < LIFE_STATES; from++)
		assert_int_equal(life_deadline_ms(from, GRACE_MS, DRAIN_MS) == 0, lasts[from]);
}

TEST(only_the_times_to_drain_and_from_sigterm_to_sigkill_are_the_plans)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++)
		if (from == LIFE_ENDING)
			assert_int_equal(life_deadline_ms(from, GRACE_MS, DRAIN_MS), GRACE_MS);
		else if (from == LIFE_DRAINING)
			assert_int_equal(life_deadline_ms(from, GRACE_MS, DRAIN_MS), DRAIN_MS);
		else
			assert_int_equal(life_deadline_ms(from, GRACE_MS, DRAIN_MS),
					 life_deadline_ms(from, 2 * GRACE_MS, 2 * DRAIN_MS));
}

TEST(a_copy_never_drains_for_ever)
{
	assert_int_not_equal(life_deadline_ms(LIFE_DRAINING, GRACE_MS, 0), 0);
}

TEST(something_is_done_at_every_deadline)
{
	for (enum life_state from = 0; from < LIFE_STATES; from++) {
		struct life_step step = life_next(from, LIFE_DEADLINE);

		if (life_deadline_ms(from, GRACE_MS, DRAIN_MS) > 0)
			assert_int_not_equal(step.action, LIFE_NOTHING);
		else
			assert_true(stays(from, step));
	}
}

/* ---- Random walks ---- */

/* A step that is in the table; each spawned copy is buried before the next one is spawned. */
static enum life_state walk(enum life_state state, enum life_event event, bool *is_spawned)
{
	struct life_step step = life_next(state, event);

	assert_in_range(step.next, 0, LIFE_STATES - 1);
	assert_in_range(step.action, 0, COUNT(ACTIONS) - 1);
	if (step.action == LIFE_SPAWN || step.action == LIFE_BURY) {
		assert_int_equal(*is_spawned, step.action == LIFE_BURY);
		*is_spawned = !*is_spawned;
	}
	assert_int_equal(!!life_is_live(step.next), *is_spawned);
	return step.next;
}

/* After @event, deadlines alone lead to a kill within @deadlines; then only its exit is awaited. */
static void assert_ends(enum life_state state, enum life_event event, unsigned int deadlines,
			bool is_spawned)
{
	state = walk(state, event, &is_spawned);
	for (unsigned int i = 0; i < deadlines; i++)
		state = walk(state, LIFE_DEADLINE, &is_spawned);
	assert_int_equal(state, is_spawned ? LIFE_KILLED : LIFE_ENDED);
	state = walk(state, LIFE_EXITED, &is_spawned);
	assert_int_equal(state, LIFE_ENDED);
}

TEST(whatever_has_happened_a_copy_can_be_ended)
{
	enum { WALKS = 1000, STEPS = 100 };
	struct random_stream random = random_start();

	for (int i = 0; i < WALKS; i++) {
		enum life_state at = LIFE_ENDED;
		bool is_spawned = false;

		for (uint32_t left = random_below(&random, STEPS); left > 0; left--)
			at = walk(at, random_below(&random, LIFE_EVENTS), &is_spawned);
		assert_ends(at, LIFE_KILL, 0, is_spawned);
		assert_ends(at, LIFE_STOP, 1, is_spawned);
		assert_ends(at, LIFE_STOP, 10, is_spawned);
		assert_ends(at, LIFE_DRAIN, 2, is_spawned);
	}
}

/* The walks are worth something only if they get everywhere. */
TEST(every_state_is_reached_from_an_ended_copy)
{
	bool is_reached[LIFE_STATES] = {[LIFE_ENDED] = true};

	for (int round = 0; round < LIFE_STATES; round++)
		for (enum life_state from = 0; from < LIFE_STATES; from++)
			for (enum life_event event = 0; event < LIFE_EVENTS; event++)
				if (is_reached[from])
					is_reached[life_next(from, event).next] = true;
	for (enum life_state from = 0; from < LIFE_STATES; from++)
		assert_true(is_reached[from]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_leads_where_the_table_says),
		cmocka_unit_test(only_an_ended_copy_is_not_live),
		cmocka_unit_test(a_copy_that_has_exited_is_buried_once),
		cmocka_unit_test(only_a_copy_that_has_exited_is_buried),
		cmocka_unit_test(every_live_copy_can_be_killed_and_gets_one_sigkill),
		cmocka_unit_test(only_a_start_makes_an_ended_copy_live),
		cmocka_unit_test(only_an_ended_copy_is_spawned),
		cmocka_unit_test(a_state_that_may_last_for_ever_has_no_deadline),
		cmocka_unit_test(only_the_times_to_drain_and_from_sigterm_to_sigkill_are_the_plans),
		cmocka_unit_test(a_copy_never_drains_for_ever),
		cmocka_unit_test(something_is_done_at_every_deadline),
		cmocka_unit_test(whatever_has_happened_a_copy_can_be_ended),
		cmocka_unit_test(every_state_is_reached_from_an_ended_copy),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
