/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crew.h - all copies and mappings of a run: who starts, who has ended, which port is whose.
 *
 * What costs as much for many copies as for one is done for many here: a look at the table of
 * connections, a round of starts.
 */
#pragma once

#include "run/copy.h"
#include "run/ports.h"

struct crew {
	struct copy_setting setting; /* but for its callbacks, which are ours */
	struct copy *first;          /* all copies that have not left, by their numbers */
	struct copy **last;
	struct copy *next_to_start;
	unsigned int last_number;
	unsigned int count;    /* of copies */
	unsigned int live;     /* of those with processes */
	unsigned int starting; /* of those that do not serve yet, and have not ended */
	unsigned int dying;    /* of those to be killed at the end of this turn */
	unsigned int undying;  /* of those that do not die: nobody waits for them */
	struct ports ports;
	bool is_ending;
	struct loop_timer starter;
	struct loop_timer releaser;

	void (*on_change)(void *data, struct copy *copy, enum life_state before);
	void (*on_failed)(void *data, struct copy *copy, int err);
	void (*on_left)(void *data, unsigned int number);
	void *data;
};

/** crew_open() - begin. @crew: setting and callbacks are given, the rest is zero. */
void crew_open(struct crew *crew);

/**
 * crew_hold_ports() - after a commit: keep everybody else away from the ports that are new in it
 *
 * A port that somebody else has just taken is removed again.
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

/** crew_remove_mapping() - let a host port go. Return: 0, -ENOENT. */
int crew_remove_mapping(struct crew *crew, struct nat_port port);

/** crew_add() - one copy more, which has crew->last_number. Return: as above. */
int crew_add(struct crew *crew);

/** crew_start() - start those that have not started, some in each turn of the loop. */
void crew_start(struct crew *crew);

/** crew_find() - Return: NULL: there is no copy with this number. */
struct copy *crew_find(const struct crew *crew, unsigned int number);

/** crew_drop() - lead nothing to a copy any more, end it, and forget it. */
void crew_drop(struct crew *crew, struct copy *copy);

/** crew_is_starting() - is there one that has not listened yet, and has had no time to? */
bool crew_is_starting(const struct crew *crew);

/** crew_is_empty() - none lives but such as do not die, and none is about to start. */
bool crew_is_empty(const struct crew *crew);

/** crew_end() - start no more; LIFE_STOP or LIFE_KILL all that live. */
void crew_end(struct crew *crew, enum life_event event);

/** crew_kill_dying() - kill those that are to be killed, after a look at their connections. */
void crew_kill_dying(struct crew *crew);

/**
 * crew_bury() - all is over: kill who still lives, and end all connections
 * @timeout_ms: how long to wait for those that had to be killed
 */
void crew_bury(struct crew *crew, int timeout_ms);

/** crew_close() - free all. */
void crew_close(struct crew *crew);
