// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * look.c - finds out whether a copy listens. There is no event for that, so this looks again and
 * again.
 *
 * A look is a request or two into the kernel's hash table (diag_listens()), some microseconds. A
 * check of a copy's health costs more, and begins when the copy listens (health.c).
 */
#include "run/look.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/pool.h"
#include "net/diag.h"
#include "run/visit.h"

enum {
	LOOK_FIRST_US = 1000, /* nothing has been executed before */
	LOOK_PARTS = 4,       /* a copy that starts alone waits a quarter of its time so far; */
	LOOK_MOST_US = 1000,  /* but not longer than that, */
	LOOK_MANY_US = 500,   /* and that for each other one that starts */
	LOOK_LATE_MS = 100,   /* for a copy that did not listen in time */
	LOOK_READY_MS = 1000, /* for a copy that listens: does it still? */
};

static const uint64_t NS_PER_US = 1000, US_PER_MS = 1000;

/* Asked once for each protocol; again, if the kernel had no memory for an answer, say. */
static bool look_is_blind(struct copy *copy, uint8_t protocol)
{
	struct copy_setting *setting = copy->setting;
	enum copy_sight *sight =
		protocol == IPPROTO_UDP ? &setting->sight_udp : &setting->sight_tcp;
	int sees;

	if (*sight != COPY_SIGHT_UNKNOWN)
		return *sight == COPY_IS_BLIND;
	sees = diag_is_supported(&copy->diag, protocol);
	if (sees < 0)
		return false;
	*sight = sees ? COPY_SEES : COPY_IS_BLIND;
	if (!sees)
		error_say(0, "this kernel has no inet_diag: cannot tell when copies listen");
	return !sees;
}

/* Return: 0; or -errno: it could not be seen this time. */
static int look_ask(struct copy *copy, const struct mapping *mapping, struct mapping_listens *ret)
{
	uint8_t protocol = mapping->port.protocol;
	const struct attachment *at = &copy->attachment;
	int ipv4, ipv6 = 0;

	*ret = (struct mapping_listens){.ipv4 = true};
	if (look_is_blind(copy, protocol)) /* what cannot be seen is not waited for */
		return 0;
	ipv4 = diag_listens(&copy->diag, protocol, &at->address, mapping->copy_port,
			    ATTACHMENT_INSIDE);
	if (ipv4 >= 0 && at->address6.family != AF_UNSPEC)
		ipv6 = diag_listens(&copy->diag, protocol, &at->address6, mapping->copy_port,
				    ATTACHMENT_INSIDE);
	if (ipv4 < 0 || ipv6 < 0)
		return ipv4 < 0 ? ipv4 : ipv6;
	*ret = (struct mapping_listens){.ipv4 = ipv4, .ipv6 = ipv6};
	/* A program can be faster than its link: what is sent to it now would be lost. */
	if ((ipv4 || ipv6) && !attachment_is_forwarding(&copy->attachment))
		*ret = (struct mapping_listens){0};
	return 0;
}

/* Once a port leads to a copy over IPv6, the gate is asked until it has it. */
static void look_let_in(const struct copy *copy, struct mapping *mapping)
{
	struct gate *gate = copy->setting->gate;
	struct mapping *holder = mapping_holder(mapping);

	if (gate->pidfd >= 0 && mapping->has_ipv6 && !holder->is_let_in)
		holder->is_let_in = gate_let_in(gate, &mapping->port) != -EAGAIN;
}

/* Return: true if the copy listens at all ports that lead to it. */
static bool look_ask_all(struct copy *copy)
{
	bool is_good = health_is_good(copy->health);
	bool all = true;

	for (struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next) {
		struct mapping_listens listens;

		if (look_ask(copy, mapping, &listens) < 0) {
			/* until the next look all is as it was */
			all = all && mapping->is_published;
			continue;
		}
		mapping_follow(mapping, is_good ? listens : (struct mapping_listens){0});
		look_let_in(copy, mapping);
		copy->has_ipv6 = copy->has_ipv6 || listens.ipv6;
		all = all && (listens.ipv4 || listens.ipv6);
	}
	return all;
}

/* All ready copies are looked at together: one wake-up a second, however many there are. */
static uint64_t look_next_tick_us(void)
{
	uint64_t now_us = loop_now_ns() / NS_PER_US;

	return LOOK_READY_MS * US_PER_MS - now_us % (LOOK_READY_MS * US_PER_MS);
}

/*
 * What starts fast is noticed fast, and a start that takes long is not disturbed often. Many that
 * start at a time keep the processors busy themselves: looking must not add to that.
 */
static uint64_t look_next_us(const struct copy *copy)
{
	uint64_t starting = copy->setting->starting;
	uint64_t parts = starting < LOOK_PARTS ? starting : LOOK_PARTS;
	uint64_t most, part;

	if (copy->is_listening) /* if it is not ready, it will be when it is healthy */
		return look_next_tick_us();
	if (copy->state != LIFE_STARTING)
		return LOOK_LATE_MS * US_PER_MS;
	most = LOOK_MOST_US + (starting - 1) * LOOK_MANY_US;
	part = (loop_now_ns() - copy->looks_since_ns) / NS_PER_US * parts / LOOK_PARTS;
	return part < most ? part : most;
}

static void look_again(struct copy *copy, uint64_t us)
{
	loop_set_timer_ns(copy->setting->loop, &copy->look, us * NS_PER_US);
}

void look_at(struct copy *copy)
{
	bool is_ready;

	if (copy->state < LIFE_STARTING || copy->state > LIFE_NOT_READY)
		return;
	copy->is_listening = look_ask_all(copy);
	if (copy->is_listening || copy->state == LIFE_NOT_READY)
		health_check(copy->health);
	is_ready = copy->is_listening && health_is_good(copy->health);
	if (is_ready != (copy->state == LIFE_READY))
		copy_step(copy, is_ready ? LIFE_LISTENS : LIFE_DEAF);
	look_again(copy, look_next_us(copy));
}

/* ---- Its health ---- */

/* First, no new connections are led to a copy that is unhealthy; then it may have to end. */
static void look_on_health(void *data)
{
	struct copy *copy = data;
	struct copy_setting *setting = copy->setting;

	setting->on_health(setting->data, copy);
	look_at(copy);
	if (copy->health->state != HEALTH_UNHEALTHY || !setting->plan->health.restarts)
		return;
	copy->is_given_up = true;
	copy_step(copy, LIFE_STOP);
}

/* What it prints is not for anybody: only its exit status counts. */
static int look_on_start(void *data, char *const *argv)
{
	const struct visit visit = {.argv = argv, .stdio = {-1, -1, -1}, .door = -1};

	return visit_begin(data, &visit);
}

static struct pool look_pool = POOL_OF(struct health);

int look_open(struct copy *copy)
{
	const struct plan *plan = copy->setting->plan;

	if (plan->health.kind == PLAN_HEALTH_NONE)
		return 0;
	copy->health = pool_take(&look_pool);
	if (!copy->health)
		return error_report(-ENOMEM, "copy %u: cannot be made", copy->number);
	copy->health->start = look_on_start;
	copy->health->on_change = look_on_health;
	copy->health->data = copy;
	health_open(copy->health, plan, copy->setting->loop, copy->number);
	return 0;
}

void look_close(struct copy *copy)
{
	pool_give(&look_pool, copy->health);
	copy->health = NULL;
}

void look_begin(struct copy *copy)
{
	const struct attachment *at = &copy->attachment;

	copy->is_listening = false;
	copy->looks_since_ns = loop_now_ns();
	look_again(copy, LOOK_FIRST_US);
	if (copy->health)
		health_begin(copy->health, &at->address, &at->address6,
			     fd_steal(&copy->container.notify));
}
