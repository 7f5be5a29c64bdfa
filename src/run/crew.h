/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crew.h - all copies and mappings of a run: which copies start, which have ended, which port leads
 * to which copy.
 *
 * Some work takes as long for one copy as for many, such as a look at the conntrack table. It is
 * done here, for many copies at a time.
 */
#pragma once

#include "run/copy.h"
#include "run/ports.h"
#include "run/starts.h"

struct crew {
	struct copy_setting setting; /* its callbacks are set by crew_open() */
	struct copy *first;          /* all copies that have not left, by their numbers */
	struct copy **last;
	struct starts starts;
	unsigned int newest;   /* number of the copy that was added last */
	unsigned int count;    /* of copies */
	unsigned int live;     /* of those with processes */
	unsigned int starting; /* of those that do not serve yet, and have not ended */
	unsigned int dying;    /* of those to be killed at the end of this turn */
	unsigned int undying;  /* of those that do not die: nobody waits for them */
	struct ports ports;
	bool is_ending;
	struct loop_timer releaser;

	void (*on_change)(void *data, struct copy *copy, enum life_state before);
	void (*on_health)(void *data, struct copy *copy);
	void (*on_failed)(void *data, struct copy *copy, int err);
	void (*on_left)(void *data, unsigned int number);
	void *data;
};

/**
 * crew_open() - begin, without copies. @crew: setting and callbacks are given, the rest is zero.
 */
void crew_open(struct crew *crew);

/**
 * crew_hold_ports() - after a commit: keep all other programs away from the ports that are new in
 * it
 *
 * If another program has just taken a port, its mapping is removed again.
 *
 * Return: 0 or the first -errno, reported.
 */
int crew_hold_ports(struct crew *crew);

/**
 * crew_add_mapping() - hold a host port, and lead it to copy @number, now or when there is one
 * Return: 0; -ESHUTDOWN (unreported): crew_end() was called; or another -errno, reported. Then
 * nothing has changed.
 */
int crew_add_mapping(struct crew *crew, struct nat_port port, uint16_t copy_port,
		     unsigned int number);

/** crew_remove_mapping() - give a host port up. Return: 0; -ENOENT: it is not one of ours. */
int crew_remove_mapping(struct crew *crew, struct nat_port port);

/** crew_share() - hold a host port, and lead it to all copies. Return: as above. */
int crew_share(struct crew *crew, struct nat_port port, uint16_t copy_port,
	       enum plan_balance balance);

/** crew_next_number() - the lowest number that no copy has: the next one's. */
unsigned int crew_next_number(const struct crew *crew);

/** crew_last_number() - the highest number that a copy has; 0: there is none. */
unsigned int crew_last_number(const struct crew *crew);

/** crew_add() - one copy more, which has crew->newest. Return: as above. */
int crew_add(struct crew *crew);

/** crew_start() - start the copies that have not started, some in each turn of the loop. */
void crew_start(struct crew *crew);

/** crew_find() - find a copy by its number. Return: NULL if there is none. */
struct copy *crew_find(const struct crew *crew, unsigned int number);

/** crew_drop() - lead no more connections to a copy, drain it, end it, and then remove it. */
void crew_drop(struct crew *crew, struct copy *copy);

/**
 * crew_restart() - the same, and start it again; one that waits for its return starts now
 *
 * Until it is ready it starts again whenever it ends, whatever the plan says.
 */
void crew_restart(struct crew *crew, struct copy *copy);

/** crew_is_starting() - is there a copy that does not listen yet, but still has time to? */
bool crew_is_starting(const struct crew *crew);

/** crew_is_empty() - none lives but such as do not die, and none will start, or start again. */
bool crew_is_empty(const struct crew *crew);

/** crew_end() - start no more copies, and tell all of them @event: LIFE_STOP or LIFE_KILL. */
void crew_end(struct crew *crew, enum life_event event);

/** crew_kill_dying() - end the connections of the copies that must be killed, and kill them. */
void crew_kill_dying(struct crew *crew);

/**
 * crew_bury() - the run is over: kill the copies that still live, and end all connections
 * @timeout_ms: how long to wait for the copies that had to be killed
 */
void crew_bury(struct crew *crew, int timeout_ms);

/** crew_close() - free all copies. */
void crew_close(struct crew *crew);
