// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy.c - takes a copy from state to state, and does what the table in life.c says.
 *
 * birth.c makes a copy. look.c finds out whether it listens. burial.c is its end.
 */
#include "run/copy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/process.h"
#include "run/birth.h"
#include "run/burial.h"
#include "run/drain.h"
#include "run/look.h"

static void copy_on_end(void *data, uint32_t events);
static void copy_on_deadline(void *data);
static void copy_on_look(void *data);
static void copy_on_link_gone(void *data);

/* ---- Its making ---- */

/*
 * Writes "copy-1" for the first mapping of a copy, "copy-1-tcp-8081" for another one, and, if the
 * same port of another address has that name, "copy-1-tcp-8081-2".
 */
static void copy_name_chain(const struct copy *copy, const struct mapping *mapping, char *chain)
{
	const struct mapping *other = copy->mappings;
	unsigned int n = 1;
	int length;

	if (mapping == copy->mappings) {
		snprintf(chain, NAT_CHAIN_MAX, "%s", copy->name);
		return;
	}
	length = snprintf(chain, NAT_CHAIN_MAX, "%s-%s-%u", copy->name,
			  mapping->port.protocol == IPPROTO_UDP ? "udp" : "tcp",
			  mapping->port.number);
	while (other) {
		if (other == mapping || strcmp(other->chain, chain) != 0) {
			other = other->next;
			continue;
		}
		snprintf(chain + length, NAT_CHAIN_MAX - (size_t)length, "-%u", ++n);
		other = copy->mappings;
	}
}

static int copy_aim(struct copy *copy, struct mapping *mapping)
{
	const char *run = copy->setting->plan->name;
	char chain[NAT_CHAIN_MAX], comment[PATH_MAX + 16], files[PATH_MAX];

	copy_name_chain(copy, mapping, chain);
	places_path(copy->setting->places, copy->number, "files", files);
	if (run)
		snprintf(comment, sizeof(comment), "%s, copy %u", run, copy->number);
	else
		snprintf(comment, sizeof(comment), "copy %u: %s", copy->number, files);
	return mapping_aim(mapping, chain, comment, &copy->attachment.address,
			   &copy->attachment.address6);
}

int copy_take_network(struct copy *copy)
{
	int err =
		attachment_open(&copy->attachment, copy->setting->network, copy_on_link_gone, copy);

	for (struct mapping *mapping = copy->mappings; !err && mapping; mapping = mapping->next)
		err = copy_aim(copy, mapping);
	return err;
}

static struct pool copy_pool = POOL_OF(struct copy);

struct copy *copy_new(struct copy_setting *setting, unsigned int number, struct mapping *mappings)
{
	struct copy *copy = pool_take(&copy_pool);

	if (!copy) {
		error_report(-ENOMEM, "copy %u: cannot be made", number);
		return NULL;
	}
	copy->setting = setting;
	copy->number = number;
	copy->container = CONTAINER_NONE;
	copy->mappings = mappings;
	copy->deadline = (struct loop_timer){.on_time = copy_on_deadline, .data = copy};
	copy->look = (struct loop_timer){.on_time = copy_on_look, .data = copy};
	copy->end = (struct loop_source){.on_event = copy_on_end, .data = copy};
	snprintf(copy->name, sizeof(copy->name), "copy-%u", number);
	plan_format_name(setting->plan, number, copy->hostname);
	if (look_open(copy) == 0 && copy_take_network(copy) == 0)
		return copy;
	copy_free(copy);
	return NULL;
}

void copy_forget_container(struct copy *copy)
{
	struct loop *loop = copy->setting->loop;

	printer_close(&copy->printer);
	journal_close(&copy->journal);
	loop_forget(loop, &copy->hello);
	loop_forget(loop, &copy->end);
	loop_clear_timer(loop, &copy->deadline);
	loop_clear_timer(loop, &copy->look);
	health_close(copy->health);
	container_close(&copy->container);
}

void copy_free(struct copy *copy)
{
	if (!copy)
		return;
	copy_forget_container(copy);
	netlink_close(&copy->diag);
	attachment_close(&copy->attachment);
	free(copy->place.made);
	look_close(copy);
	pool_give(&copy_pool, copy);
}

int copy_lead(struct copy *copy, struct mapping *mapping)
{
	struct mapping **last = &copy->mappings;
	int err;

	while (*last)
		last = &(*last)->next;
	*last = mapping;
	if (copy->is_leaving || !copy->attachment.network) /* aimed at its next life */
		return 0;
	err = copy_aim(copy, mapping);
	if (err)
		*last = NULL;
	else if (copy->state >= LIFE_STARTING && copy->state <= LIFE_NOT_READY)
		loop_set_timer(copy->setting->loop, &copy->look, 0);
	return err;
}

/* ---- From one state to the next ---- */

static void copy_act(struct copy *copy, enum life_action action, enum life_state before);

void copy_step(struct copy *copy, enum life_event event)
{
	struct copy_setting *setting = copy->setting;
	enum life_state before = copy->state;
	struct life_step step = life_next(before, event);
	unsigned int deadline_ms =
		life_deadline_ms(step.next, plan_grace_ms(setting->plan), setting->plan->drain_ms);

	copy->state = step.next;
	copy->is_kept = copy->is_kept && step.next != LIFE_READY;
	if (step.next != before) {
		loop_clear_timer(setting->loop, &copy->deadline);
		if (deadline_ms)
			loop_set_timer(setting->loop, &copy->deadline, deadline_ms);
		if (step.next > LIFE_NOT_READY)
			health_end(copy->health);
		setting->starting += (step.next == LIFE_STARTING) - (before == LIFE_STARTING);
		restart_ready(&copy->restart, step.next == LIFE_READY, loop_now_ns());
	}
	copy_act(copy, step.action, before);
	if (step.next != before)
		setting->on_change(setting->data, copy, before);
}

static void copy_on_deadline(void *data)
{
	copy_step(data, LIFE_DEADLINE);
}

/* ---- Its start ---- */

void copy_fail(struct copy *copy, int err)
{
	struct copy_setting *setting = copy->setting;

	copy->has_failed = true;
	if (copy->container.pidfd >= 0 && copy->end.is_watched) {
		copy_step(copy, LIFE_KILL);
	} else {
		if (copy->container.pidfd >= 0)
			container_kill(&copy->container);
		copy_step(copy, LIFE_EXITED);
	}
	setting->on_failed(setting->data, copy, err);
}

void copy_happens(struct copy *copy, enum life_event event)
{
	int err;

	copy->is_asked = event != LIFE_START;
	if (event == LIFE_START)
		copy->has_failed = copy->has_ipv6 = copy->is_given_up = false;
	copy_step(copy, event);
	if (event != LIFE_START) /* perhaps in the middle of a start, from an observer of it */
		return;
	err = copy->spawn_err;
	copy->spawn_err = 0;
	if (err)
		copy_fail(copy, err);
}

static void copy_tell_late(const struct copy *copy)
{
	const struct mapping *mapping = copy->mappings;

	while (mapping && mapping->is_published)
		mapping = mapping->next;
	if (copy->health && copy->is_listening)
		error_say(0, "copy %u: not healthy after %u s: %s; going on without waiting for it",
			  copy->number, life_deadline_ms(LIFE_STARTING, 0, 0) / 1000,
			  copy->health->why);
	else if (mapping)
		error_say(0,
			  "copy %u: nothing listens on its port %u after %u s; going on "
			  "without waiting for it",
			  copy->number, mapping->copy_port,
			  life_deadline_ms(LIFE_STARTING, 0, 0) / 1000);
}

static void copy_on_look(void *data)
{
	struct copy *copy = data;

	if (copy->state == LIFE_PREPARING)
		birth_go_on(copy);
	else if (copy->state == LIFE_DRAINING)
		drain_look(copy);
	else
		look_at(copy);
}

/* ---- Its end ---- */

void copy_withdraw(struct copy *copy)
{
	for (struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next)
		mapping_withdraw(mapping);
}

static void copy_on_end(void *data, uint32_t events)
{
	(void)events;
	copy_step(data, LIFE_EXITED);
}

static void copy_on_link_gone(void *data)
{
	struct copy *copy = data;
	struct copy_setting *setting = copy->setting;

	if (copy->is_leaving) {
		copy->is_leaving = false;
		setting->on_left(setting->data, copy);
		return;
	}
	if (copy->state == LIFE_ENDED || copy->is_asked || copy->has_failed)
		return;
	error_say(0, "copy %u: its link %s-%u has been deleted: stopping it", copy->number,
		  setting->network->bridge.name, copy->number);
	copy_step(copy, LIFE_KILL);
}

static void copy_act(struct copy *copy, enum life_action action, enum life_state before)
{
	struct copy_setting *setting = copy->setting;

	switch (action) {
	case LIFE_NOTHING:
		break;
	case LIFE_SPAWN:
		copy->restarts += copy->started_ns != 0;
		copy->started_ns = loop_now_ns();
		copy->spawn_err = birth_begin(copy);
		break;
	case LIFE_FOLLOW:
		look_begin(copy);
		break;
	case LIFE_TELL_LATE:
		copy_tell_late(copy);
		break;
	case LIFE_WITHDRAW:
		copy_withdraw(copy);
		drain_begin(copy);
		break;
	case LIFE_TELL_CUT:
		drain_tell_late(copy);
		container_signal(&copy->container, SIGTERM);
		break;
	case LIFE_TERMINATE:
		container_signal(&copy->container, SIGTERM);
		break;
	case LIFE_TELL_LOST:
		if (copy->diag.socket)
			error_say(0, "copy %u: the guardian does not take it", copy->number);
		else
			error_say(0, "copy %u: no answer from it", copy->number);
		setting->on_failed(setting->data, copy, -ETIMEDOUT);
		copy->has_failed = true;
		setting->on_kill(setting->data, copy);
		break;
	case LIFE_FORCE:
		setting->on_kill(setting->data, copy);
		break;
	case LIFE_GIVE_UP:
		setting->on_undying(setting->data, copy);
		break;
	case LIFE_BURY:
		burial_of(copy, before);
		break;
	}
}

struct connections_owner copy_owner(struct copy *copy)
{
	return (struct connections_owner){
		.addresses = {copy->attachment.address, copy->attachment.address6},
		.diag = &copy->diag,
	};
}

int copy_leave(struct copy *copy)
{
	struct copy_setting *setting = copy->setting;

	if (copy->is_held && guardian_drop_copy(setting->guardian, copy->life) == -EAGAIN)
		return -EAGAIN;
	copy->is_held = false;
	copy->is_leaving = true;
	netlink_close(&copy->diag);
	cgroup_drop(setting->cgroup, copy->number);
	place_leave(&copy->place, setting->places, copy->number);
	for (struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next)
		mapping_unaim(mapping);
	network_sweep_later(setting->network);
	/* Both may end in on_left(), which may free @copy. */
	if (copy->attachment.network)
		attachment_leave(&copy->attachment);
	else /* it has left before, or there were no addresses for it */
		copy_on_link_gone(copy);
	return 0;
}
