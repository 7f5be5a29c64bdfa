/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * life.h - the life of a copy as a table: what each event does in each state. Pure.
 *
 *	                  START            SET_UP           LISTENS
 *	      ended ────────▶ preparing ────────▶ starting ────────▶ ready ◀──▶ not ready
 *	        ▲                                                         │  DRAIN
 *	        │ EXITED                           DEADLINE               ▼
 *	        └───────── killed ◀──────── ending ◀──────────────── draining
 *
 * In every state but `ended`, a copy can be killed, and can end by itself.
 */
#pragma once

enum life_state {
	LIFE_ENDED,     /* it has no process; also a copy that has not started yet */
	LIFE_PREPARING, /* its namespaces, files and link are being made */
	LIFE_STARTING,  /* the program runs, and does not listen yet */
	LIFE_READY,     /* it listens */
	LIFE_NOT_READY, /* it did not listen in time, or does not listen any more */
	LIFE_DRAINING,  /* no new connections lead to it; those that it has go on */
	LIFE_ENDING,    /* it has got SIGTERM */
	LIFE_KILLED,    /* it has got SIGKILL */
	LIFE_STATES,
};

enum life_event {
	LIFE_START,    /* somebody wants it to run */
	LIFE_SET_UP,   /* its files are set up, and we have its descriptors */
	LIFE_LISTENS,  /* it listens at all ports that lead to it */
	LIFE_DEAF,     /* it does not listen at all of them (any more) */
	LIFE_DRAIN,    /* somebody wants it to end, after what it is doing */
	LIFE_DRAINED,  /* its connections have ended */
	LIFE_STOP,     /* somebody wants it to end */
	LIFE_KILL,     /* somebody wants it to end at once */
	LIFE_DEADLINE, /* it has been in this state as long as it may (life_deadline_ms()) */
	LIFE_EXITED,   /* all its processes have ended */
	LIFE_EVENTS,
};

enum life_action {
	LIFE_NOTHING,
	LIFE_SPAWN,     /* make it */
	LIFE_FOLLOW,    /* begin to look whether it listens */
	LIFE_TELL_LATE, /* say that it does not listen */
	LIFE_WITHDRAW,  /* lead no new connections to it, and wait for those that it has */
	LIFE_TELL_CUT,  /* say which connections have not ended in time, and SIGTERM */
	LIFE_TERMINATE, /* SIGTERM */
	LIFE_FORCE,     /* SIGKILL */
	LIFE_TELL_LOST, /* say that it was not set up in time, and SIGKILL */
	LIFE_GIVE_UP,   /* say that it does not die */
	LIFE_BURY,      /* print its last output; say how it ended; give back what it held */
};

struct life_step {
	enum life_state next;
	enum life_action action;
};

/** life_next() - what @event does to a copy in @state; nothing if it has no meaning there. */
struct life_step life_next(enum life_state state, enum life_event event);

/**
 * life_deadline_ms() - how long a copy may be in a state; 0: for ever
 * @grace_ms: how long it has from SIGTERM to SIGKILL, more than 0
 */
unsigned int life_deadline_ms(enum life_state state, unsigned int grace_ms, unsigned int drain_ms);

/** life_is_live() - does a copy in this state have processes? */
static inline int life_is_live(enum life_state state)
{
	return state != LIFE_ENDED;
}
