// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crew.c - lists, counters, and what is done for many copies at a time.
 */
#include "run/crew.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"

enum {
	CREW_RELEASE_MS = 10,      /* copies that end within this time leave together */
	CREW_RELEASE_AGAIN_MS = 50 /* when the guardian was busy */
};

/* ---- Who starts ---- */

void crew_start(struct crew *crew)
{
	starts_go(&crew->starts);
}

static bool crew_is_on_its_way(enum life_state state)
{
	return state == LIFE_PREPARING || state == LIFE_STARTING;
}

bool crew_is_starting(const struct crew *crew)
{
	return starts_is_due(&crew->starts) || crew->starting;
}

bool crew_is_empty(const struct crew *crew)
{
	return starts_is_empty(&crew->starts) && crew->live == crew->undying;
}

static void crew_on_change(void *data, struct copy *copy, enum life_state before)
{
	struct crew *crew = data;

	crew->live += (copy->state != LIFE_ENDED) - (before != LIFE_ENDED);
	crew->starting += crew_is_on_its_way(copy->state) - crew_is_on_its_way(before);
	if (copy->state == LIFE_ENDED) {
		crew->dying -= copy->is_dying;
		crew->undying -= copy->is_undying;
		copy->is_dying = copy->is_undying = false;
		copy->is_waiting = true;
		if (copy->is_restarting && !crew->is_ending)
			copy->returns_ns = loop_now_ns();
		copy->is_restarting = false;
		starts_expect(&crew->starts, copy);
		if (!crew->is_ending && !crew->releaser.is_set)
			loop_set_timer(crew->setting.loop, &crew->releaser, CREW_RELEASE_MS);
	}
	if (before == LIFE_PREPARING || copy->state == LIFE_ENDED) /* there is a slot again */
		crew_start(crew);
	crew->on_change(crew->data, copy, before);
}

static void crew_on_health(void *data, struct copy *copy)
{
	struct crew *crew = data;

	crew->on_health(crew->data, copy);
}

static void crew_on_failed(void *data, struct copy *copy, int err)
{
	struct crew *crew = data;

	crew->on_failed(crew->data, copy, err);
}

/* ---- Who ends ---- */

void crew_end(struct crew *crew, enum life_event event)
{
	if (!crew->setting.loop) /* it was never opened */
		return;
	crew->is_ending = true;
	starts_clear(&crew->starts);
	loop_clear_timer(crew->setting.loop, &crew->releaser);
	for (struct copy *copy = crew->first; copy; copy = copy->next)
		copy_happens(copy, event);
}

/* It has had its time. The run ends without it. */
static void crew_on_undying(void *data, struct copy *copy)
{
	struct crew *crew = data;

	if (copy->is_undying)
		return;
	copy->is_undying = true;
	crew->undying++;
	error_say(0, "copy %u: does not die; leaving it behind", copy->number);
}

static void crew_on_kill(void *data, struct copy *copy)
{
	struct crew *crew = data;

	crew->dying += !copy->is_dying;
	copy->is_dying = true;
}

/*
 * Ends the connections of the copies for which @is_meant returns true, if we have a socket that
 * sees their namespace.
 */
static void crew_end_connections(struct crew *crew, bool (*is_meant)(const struct copy *copy))
{
	AUTO_FREE struct connections_owner *owners = NULL;
	size_t count = 0;

	if (!crew->ports.nat)
		return;
	owners = calloc(crew->count + 1, sizeof(*owners));
	if (!owners)
		return;
	for (struct copy *copy = crew->first; copy; copy = copy->next)
		if (is_meant(copy) && copy->diag.socket)
			owners[count++] = copy_owner(copy);
	connections_end(&crew->setting.network->nat.nl, owners, count);
}

static bool crew_is_dying(const struct copy *copy)
{
	return copy->is_dying;
}

void crew_kill_dying(struct crew *crew)
{
	if (!crew->dying)
		return;
	/*
	 * End the connections before the copies are killed: older kernels cannot abort a connection
	 * that no process holds any more.
	 */
	crew_end_connections(crew, crew_is_dying);
	for (struct copy *copy = crew->first; copy; copy = copy->next) {
		if (copy->is_dying)
			container_kill(&copy->container);
		copy->is_dying = false;
	}
	crew->dying = 0;
}

static bool crew_is_waiting(const struct copy *copy)
{
	return copy->is_waiting;
}

static void crew_on_releaser(void *data)
{
	struct crew *crew = data;
	struct copy *next;

	crew_end_connections(crew, crew_is_waiting);
	for (struct copy *copy = crew->first; copy; copy = next) {
		next = copy->next;
		if (!copy->is_waiting)
			continue;
		copy->is_waiting = false;
		if (copy_leave(copy) == 0) /* it may be freed by now */
			continue;
		copy->is_waiting = true;
		loop_set_timer(crew->setting.loop, &crew->releaser, CREW_RELEASE_AGAIN_MS);
	}
}

static void crew_remove(struct crew *crew, struct copy *copy)
{
	struct copy **at = &crew->first;

	while (*at != copy)
		at = &(*at)->next;
	*at = copy->next;
	if (crew->last == &copy->next)
		crew->last = at;
	crew->count--;
	while (copy->mappings) {
		struct mapping *mapping = copy->mappings;

		copy->mappings = mapping->next;
		mapping->next = NULL;
		mapping_unaim(mapping);
		if (!mapping_holds_port(mapping))
			ports_remove(&crew->ports, mapping);
	}
	copy_free(copy);
}

static void crew_on_left(void *data, struct copy *copy)
{
	struct crew *crew = data;
	unsigned int number = copy->number;

	if (copy->returns_ns && !crew->is_ending) {
		starts_return(&crew->starts, copy);
		return;
	}
	crew_remove(crew, copy);
	crew->on_left(crew->data, number);
}

/* ---- Copies ---- */

struct copy *crew_find(const struct crew *crew, unsigned int number)
{
	struct copy *copy = crew->first;

	while (copy && copy->number != number)
		copy = copy->next;
	return copy;
}

unsigned int crew_next_number(const struct crew *crew)
{
	unsigned int number = 1;

	for (const struct copy *copy = crew->first; copy && copy->number == number;
	     copy = copy->next)
		number++;
	return number;
}

unsigned int crew_last_number(const struct crew *crew)
{
	unsigned int last = 0;

	for (const struct copy *copy = crew->first; copy; copy = copy->next)
		last = copy->number;
	return last;
}

int crew_add(struct crew *crew)
{
	unsigned int number = crew_next_number(crew);
	struct copy **at = &crew->first;
	struct copy *copy;

	if (crew->is_ending)
		return -ESHUTDOWN;
	if (ports_join_all(&crew->ports, number) < 0)
		return -ENOMEM;
	copy = copy_new(&crew->setting, number, ports_list(&crew->ports, number));
	if (!copy)
		return -ENOMEM;
	while (*at && (*at)->number < number)
		at = &(*at)->next;
	copy->next = *at;
	*at = copy;
	if (!copy->next)
		crew->last = &copy->next;
	crew->newest = number;
	crew->count++;
	starts_add(&crew->starts, copy);
	return 0;
}

void crew_drop(struct crew *crew, struct copy *copy)
{
	copy->is_restarting = false;
	if (copy->state != LIFE_ENDED) {
		copy_happens(copy, LIFE_DRAIN);
		return;
	}
	starts_cancel(&crew->starts, copy);
	if (copy->started_ns == 0) { /* it holds nothing but its addresses */
		crew_on_left(crew, copy);
		network_sweep_later(crew->setting.network);
		return;
	}
	copy->is_waiting = true; /* it may wait already */
	if (!crew->releaser.is_set)
		loop_set_timer(crew->setting.loop, &crew->releaser, CREW_RELEASE_MS);
}

void crew_restart(struct crew *crew, struct copy *copy)
{
	copy->is_kept = true;
	if (copy->state != LIFE_ENDED) {
		copy->is_restarting = true;
		copy_happens(copy, LIFE_DRAIN);
	} else if (copy->is_waiting || copy->is_leaving) { /* it can start when it has left */
		starts_cancel(&crew->starts, copy);
		copy->returns_ns = loop_now_ns();
		starts_expect(&crew->starts, copy);
	} else if (copy->returns_ns) { /* otherwise it has not been started yet, and will be */
		starts_cancel(&crew->starts, copy);
		starts_add(&crew->starts, copy);
		crew_start(crew);
	}
}

/* ---- From beginning to end ---- */

void crew_open(struct crew *crew)
{
	crew->last = &crew->first;
	starts_open(&crew->starts, crew->setting.loop, crew->setting.slots);
	crew->setting.on_change = crew_on_change;
	crew->setting.on_health = crew_on_health;
	crew->setting.on_failed = crew_on_failed;
	crew->setting.on_left = crew_on_left;
	crew->setting.on_kill = crew_on_kill;
	crew->setting.on_undying = crew_on_undying;
	crew->setting.data = crew;
	crew->releaser = (struct loop_timer){.on_time = crew_on_releaser, .data = crew};
}

static bool crew_is_anyone(const struct copy *copy)
{
	(void)copy;
	return true;
}

void crew_bury(struct crew *crew, int timeout_ms)
{
	for (struct copy *copy = crew->first; copy; copy = copy->next)
		if (copy->container.pidfd >= 0)
			container_kill(&copy->container);
	for (struct copy *copy = crew->first; copy; copy = copy->next)
		if (copy->container.pidfd >= 0 && !copy->is_undying &&
		    process_wait(copy->container.pidfd, timeout_ms, NULL) < 0) {
			error_say(0, "copy %u: does not die; leaving it behind", copy->number);
			timeout_ms = 0; /* it was time for all of them */
		}
	crew_end_connections(crew, crew_is_anyone);
}

void crew_close(struct crew *crew)
{
	struct copy *next;

	for (struct copy *copy = crew->first; copy; copy = next) {
		next = copy->next;
		copy_free(copy);
	}
	crew->first = NULL;
}
