// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * life.c - the table.
 */
#include "run/life.h"

enum {
	LIFE_PREPARING_MS = 10000, /* it takes a millisecond, but a thousand may do so at a time */
	LIFE_STARTING_MS = 5000,   /* after that the run goes on without waiting for it */
	LIFE_KILLED_MS = 5000,     /* a process in the middle of a disk access cannot die */
};

/* An event that is not listed for a state leaves the state as it is: see life_next(). */
static const struct life_step STEPS[LIFE_STATES][LIFE_EVENTS] =
	{
		[LIFE_ENDED] =
			{
				[LIFE_START] = {LIFE_PREPARING, LIFE_SPAWN},
			},
		[LIFE_PREPARING] =
			{
				[LIFE_SET_UP] = {LIFE_STARTING, LIFE_FOLLOW},
				/*
				 * While the copy is being set up, nothing in it could use a grace
				 * period.
				 */
				[LIFE_DRAIN] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_STOP] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_KILL] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_DEADLINE] = {LIFE_KILLED, LIFE_TELL_LOST},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
		[LIFE_STARTING] =
			{
				[LIFE_LISTENS] = {LIFE_READY, LIFE_NOTHING},
				[LIFE_DRAIN] = {LIFE_DRAINING, LIFE_WITHDRAW},
				[LIFE_STOP] = {LIFE_ENDING, LIFE_TERMINATE},
				[LIFE_KILL] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_DEADLINE] = {LIFE_NOT_READY, LIFE_TELL_LATE},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
		[LIFE_READY] =
			{
				[LIFE_DEAF] = {LIFE_NOT_READY, LIFE_NOTHING},
				[LIFE_DRAIN] = {LIFE_DRAINING, LIFE_WITHDRAW},
				[LIFE_STOP] = {LIFE_ENDING, LIFE_TERMINATE},
				[LIFE_KILL] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
		[LIFE_NOT_READY] =
			{
				[LIFE_LISTENS] = {LIFE_READY, LIFE_NOTHING},
				[LIFE_DRAIN] = {LIFE_DRAINING, LIFE_WITHDRAW},
				[LIFE_STOP] = {LIFE_ENDING, LIFE_TERMINATE},
				[LIFE_KILL] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
		[LIFE_DRAINING] =
			{
				[LIFE_STOP] = {LIFE_ENDING, LIFE_TERMINATE},
				[LIFE_KILL] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_DRAINED] = {LIFE_ENDING, LIFE_TERMINATE},
				[LIFE_DEADLINE] = {LIFE_ENDING, LIFE_TELL_CUT},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
		[LIFE_ENDING] =
			{
				[LIFE_KILL] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_DEADLINE] = {LIFE_KILLED, LIFE_FORCE},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
		[LIFE_KILLED] =
			{
				[LIFE_DEADLINE] = {LIFE_KILLED, LIFE_GIVE_UP},
				[LIFE_EXITED] = {LIFE_ENDED, LIFE_BURY},
			},
};

struct life_step life_next(enum life_state state, enum life_event event)
{
	struct life_step step = STEPS[state][event];

	/*
	 * All steps in the table that lead to LIFE_ENDED have an action. If there is none, the
	 * table does not list this event for this state.
	 */
	if (step.next == LIFE_ENDED && step.action == LIFE_NOTHING)
		step.next = state;
	return step;
}

unsigned int life_deadline_ms(enum life_state state, unsigned int grace_ms, unsigned int drain_ms)
{
	const unsigned int deadlines[LIFE_STATES] = {
		[LIFE_PREPARING] = LIFE_PREPARING_MS,
		[LIFE_STARTING] = LIFE_STARTING_MS,
		[LIFE_DRAINING] = drain_ms ? drain_ms : 1,
		[LIFE_ENDING] = grace_ms,
		[LIFE_KILLED] = LIFE_KILLED_MS,
	};

	return deadlines[state];
}
