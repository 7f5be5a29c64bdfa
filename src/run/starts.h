/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * starts.h - the copies that are to start: at once, or again after a delay.
 *
 * Those that are due start in their order, some in each turn of the loop, and no more at a time
 * than there are slots for them (copy/container.h).
 */
#pragma once

#include "run/copy.h"

struct starts {
	struct loop *loop;
	struct container_slots *slots;
	struct copy *first; /* the queue of those that are due, linked by @next_to_start */
	struct copy **last;
	struct copy *later;     /* those that wait, by the time at which they return */
	unsigned int returning; /* how many have ended and will start again; also those of @later */
	struct loop_timer starter, delay;
};

/** starts_open() - begin, with nobody. */
void starts_open(struct starts *starts, struct loop *loop, struct container_slots *slots);

/** starts_add() - start a copy for the first time, after the next starts_go(). */
void starts_add(struct starts *starts, struct copy *copy);

/** starts_expect() - the copy has just ended, and returns: starts_return() will follow. */
void starts_expect(struct starts *starts, struct copy *copy);

/** starts_return() - the copy has given everything back: start it at @copy->returns_ns. */
void starts_return(struct starts *starts, struct copy *copy);

/** starts_cancel() - start this copy neither now nor again. Safe for any copy that has ended. */
void starts_cancel(struct starts *starts, struct copy *copy);

/** starts_clear() - start nobody any more. */
void starts_clear(struct starts *starts);

/** starts_go() - start those that are due, unless all slots are full: then call it again. */
void starts_go(struct starts *starts);

/** starts_is_due() - is there a copy that is due? */
bool starts_is_due(const struct starts *starts);

/** starts_is_empty() - is there neither a copy that is due, nor one that returns? */
bool starts_is_empty(const struct starts *starts);
