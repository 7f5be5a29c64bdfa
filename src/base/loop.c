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
#include <limits.h>
#include <linux/time_types.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

/* Return: how long until the first timer is due, in ns; -1 if no timer is set. */
static int64_t loop_timeout_ns(const struct loop *loop)
{
	uint64_t now;

	if (!loop->first)
		return -1;
	now = loop_now_ns();
	return loop->first->due_ns > now ? (int64_t)(loop->first->due_ns - now) : 0;
}

/*
 * Waits to the nanosecond, by a system call that musl has no function for, and that qemu's user
 * mode does not know. There it waits to the millisecond, rounded up: if it was rounded down, the
 * loop would wake up too early and turn again without work.
 */
static int loop_wait(const struct loop *loop, struct epoll_event *events, int64_t timeout_ns)
{
	const int64_t ns_per_ms = (int64_t)NS_PER_MS, ns_per_s = 1000 * ns_per_ms;
	const struct __kernel_timespec timeout = {
		.tv_sec = timeout_ns / ns_per_s,
		.tv_nsec = timeout_ns % ns_per_s,
	};
	int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + ns_per_ms - 1) / ns_per_ms;
	long count = syscall(SYS_epoll_pwait2, loop->epoll, events, EVENTS_MAX,
			     timeout_ns < 0 ? NULL : &timeout, NULL, 0);

	if (count < 0 && errno == ENOSYS)
		count = epoll_wait(loop->epoll, events, EVENTS_MAX,
				   ms > INT_MAX ? INT_MAX : (int)ms);
	return (int)count;
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

static int loop_hand_out(struct loop *loop, int64_t timeout_ns)
{
	struct epoll_event events[EVENTS_MAX];
	int count = loop_wait(loop, events, timeout_ns);

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

int loop_turn(struct loop *loop)
{
	int err = loop_hand_out(loop, loop_timeout_ns(loop));

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
	return loop_hand_out(loop, 0);
}
