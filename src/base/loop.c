// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loop.c - epoll(7), and a heap of timers.
 *
 * The heap is a pairing heap: no timer is due before its parent. The children of one parent form a
 * list (`sibling`). `before` is the previous timer in that list; for the first one it is the
 * parent. Setting a timer is O(1), removing one is O(log n), and the heap needs no memory beyond
 * the timers themselves.
 */
#include "base/loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"

enum { EVENTS_MAX = 64 };

static const uint64_t NS_PER_MS = 1000000;

uint64_t loop_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

int loop_open(struct loop *loop)
{
	*loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	return loop->epoll < 0 ? error_report(-errno, "cannot prepare to wait for events") : 0;
}

void loop_close(struct loop *loop)
{
	fd_close(&loop->epoll);
}

int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};
	int operation = source->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (epoll_ctl(loop->epoll, operation, source->fd, &event) < 0)
		return -errno;
	source->is_watched = true;
	/*
	 * The batch may hold an event of this source that was asked for earlier. Keep only what the
	 * caller asks for now.
	 */
	for (int i = 0; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == source) {
			loop->batch[i].events &= events | EPOLLERR | EPOLLHUP;
			if (!loop->batch[i].events)
				loop->batch[i].data.ptr = NULL;
		}
	return 0;
}

void loop_forget(struct loop *loop, struct loop_source *source)
{
	if (!source->is_watched)
		return;
	/*
	 * Closing the descriptor is not enough: if another process has it open too, epoll goes on
	 * reporting its events.
	 */
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->is_watched = false;
	for (int i = 0; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
}

/* ---- The heap ---- */

/* Makes one heap of two. Either of them may be empty. Return: its first timer. */
static struct loop_timer *heap_meld(struct loop_timer *a, struct loop_timer *b)
{
	struct loop_timer *parent = a, *child = b;

	if (!a || !b)
		return a ? a : b;
	if (b->due_ns < a->due_ns) {
		parent = b;
		child = a;
	}
	child->before = parent;
	child->sibling = parent->child;
	if (child->sibling)
		child->sibling->before = child;
	parent->child = child;
	return parent;
}

/*
 * Makes one heap of a list of heaps: joins them in pairs, then joins the pairs one after another.
 */
static struct loop_timer *heap_meld_list(struct loop_timer *list)
{
	struct loop_timer *pairs = NULL, *whole = NULL;

	while (list) {
		struct loop_timer *a = list, *b = a->sibling;

		list = b ? b->sibling : NULL;
		a->sibling = NULL;
		if (b)
			b->sibling = NULL;
		a = heap_meld(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs) {
		struct loop_timer *next = pairs->sibling;

		pairs->sibling = NULL;
		whole = heap_meld(whole, pairs);
		pairs = next;
	}
	return whole;
}

static void heap_remove(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *rest = heap_meld_list(timer->child);

	if (timer == loop->first) {
		loop->first = rest;
	} else {
		if (timer->before->child == timer)
			timer->before->child = timer->sibling;
		else
			timer->before->sibling = timer->sibling;
		if (timer->sibling)
			timer->sibling->before = timer->before;
		loop->first = heap_meld(loop->first, rest);
	}
	timer->child = timer->sibling = timer->before = NULL;
}

void loop_clear_timer(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->is_set)
		return;
	timer->is_set = false;
	heap_remove(loop, timer);
}

void loop_set_timer_ns(struct loop *loop, struct loop_timer *timer, uint64_t ns)
{
	loop_clear_timer(loop, timer);
	timer->due_ns = loop_now_ns() + ns;
	timer->is_set = true;
	loop->first = heap_meld(loop->first, timer);
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, unsigned int ms)
{
	loop_set_timer_ns(loop, timer, ms * NS_PER_MS);
}

/* ---- Waiting ---- */

/* Puts into @ret how long until the first timer is due. Return: @ret; NULL if no timer is set. */
static struct timespec *loop_timeout(const struct loop *loop, struct timespec *ret)
{
	uint64_t now = loop_now_ns(), left;

	if (!loop->first)
		return NULL;
	left = loop->first->due_ns > now ? loop->first->due_ns - now : 0;
	*ret = (struct timespec){
		.tv_sec = (time_t)(left / (1000 * NS_PER_MS)),
		.tv_nsec = (long)(left % (1000 * NS_PER_MS)),
	};
	return ret;
}

/*
 * Calls the timers that were due when this call began. A timer that sets itself again with 0 ms is
 * called in the next turn, so that other sources get their turn first.
 */
static void loop_run_timers(struct loop *loop)
{
	uint64_t now = loop_now_ns();

	while (loop->first && loop->first->due_ns <= now) {
		struct loop_timer *timer = loop->first;

		loop_clear_timer(loop, timer);
		timer->on_time(timer->data);
	}
}

static int loop_hand_out(struct loop *loop)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(loop->epoll, events, EVENTS_MAX, 0);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	loop->batch = events;
	loop->batch_count = count;
	for (int i = 0; i < count; i++) {
		struct loop_source *source = events[i].data.ptr;

		if (source)
			source->on_event(source->data, events[i].events);
	}
	loop->batch = NULL;
	loop->batch_count = 0;
	return 0;
}

/*
 * To the nanosecond, as poll(2) of an epoll descriptor can: epoll_wait(2) waits whole milliseconds,
 * and epoll_pwait2(2) is unknown to musl and to qemu's user mode.
 */
static int loop_wait(const struct loop *loop)
{
	struct pollfd events = {.fd = loop->epoll, .events = POLLIN};
	struct timespec timeout;

	return ppoll(&events, 1, loop_timeout(loop, &timeout), NULL) < 0 && errno != EINTR ? -errno
											   : 0;
}

int loop_turn(struct loop *loop)
{
	int err = loop_wait(loop);

	if (!err)
		err = loop_hand_out(loop);
	if (err)
		return err;
	loop_run_timers(loop);
	return 0;
}

int loop_descriptor(const struct loop *loop)
{
	return loop->epoll;
}

int loop_poll(struct loop *loop)
{
	return loop_hand_out(loop);
}
