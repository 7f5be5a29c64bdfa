// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * starts.c - a queue, a list sorted by time, and a timer for each.
 */
#include "run/starts.h"

/* Spent on starting copies, before other events get their turn. */
enum { STARTS_SLICE_NS = 5000000 };

static void starts_queue(struct starts *starts, struct copy *copy)
{
	copy->next_to_start = NULL;
	*starts->last = copy;
	starts->last = &copy->next_to_start;
}

static void starts_on_starter(void *data)
{
	struct starts *starts = data;
	uint64_t begin = loop_now_ns();

	while (starts->first && !container_slots_are_full(starts->slots) &&
	       loop_now_ns() - begin < STARTS_SLICE_NS) {
		struct copy *copy = starts->first;

		starts->first = copy->next_to_start;
		if (!starts->first)
			starts->last = &starts->first;
		copy_happens(copy, LIFE_START);
	}
	starts_go(starts);
}

void starts_go(struct starts *starts)
{
	if (starts->first && !container_slots_are_full(starts->slots))
		loop_set_timer(starts->loop, &starts->starter, 0);
}

/* ---- Again ---- */

static void starts_set_delay(struct starts *starts)
{
	uint64_t now_ns = loop_now_ns();
	uint64_t due_ns = starts->later ? starts->later->returns_ns : 0;

	loop_clear_timer(starts->loop, &starts->delay);
	if (starts->later)
		loop_set_timer(starts->loop, &starts->delay,
			       due_ns > now_ns ? (unsigned int)((due_ns - now_ns) / 1000000 + 1)
					       : 0);
}

static void starts_on_delay(void *data)
{
	struct starts *starts = data;

	while (starts->later && starts->later->returns_ns <= loop_now_ns()) {
		struct copy *copy = starts->later;

		starts->later = copy->next_to_start;
		starts->returning--;
		copy->returns_ns = 0;
		starts_queue(starts, copy);
	}
	starts_set_delay(starts);
	starts_go(starts);
}

void starts_expect(struct starts *starts, struct copy *copy)
{
	starts->returning += copy->returns_ns != 0;
}

void starts_return(struct starts *starts, struct copy *copy)
{
	struct copy **at = &starts->later;

	while (*at && (*at)->returns_ns <= copy->returns_ns)
		at = &(*at)->next_to_start;
	copy->next_to_start = *at;
	*at = copy;
	starts_set_delay(starts);
}

/* ---- All of them ---- */

void starts_open(struct starts *starts, struct loop *loop, struct container_slots *slots)
{
	*starts = (struct starts){
		.loop = loop,
		.slots = slots,
		.last = &starts->first,
		.starter = {.on_time = starts_on_starter, .data = starts},
		.delay = {.on_time = starts_on_delay, .data = starts},
	};
}

void starts_add(struct starts *starts, struct copy *copy)
{
	starts_queue(starts, copy);
}

void starts_cancel(struct starts *starts, struct copy *copy)
{
	struct copy **at = copy->returns_ns ? &starts->later : &starts->first;

	while (*at && *at != copy)
		at = &(*at)->next_to_start;
	if (*at) {
		*at = copy->next_to_start;
		if (starts->last == &copy->next_to_start)
			starts->last = at;
	}
	starts->returning -= copy->returns_ns != 0;
	copy->returns_ns = 0;
	starts_set_delay(starts);
}

void starts_clear(struct starts *starts)
{
	loop_clear_timer(starts->loop, &starts->starter);
	loop_clear_timer(starts->loop, &starts->delay);
	starts->first = starts->later = NULL;
	starts->last = &starts->first;
	starts->returning = 0;
}

bool starts_is_due(const struct starts *starts)
{
	return starts->first;
}

bool starts_is_empty(const struct starts *starts)
{
	return !starts->first && !starts->returning;
}
