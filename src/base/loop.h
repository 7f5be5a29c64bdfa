/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - waits for descriptors and timers, and calls their functions.
 *
 * Sources and timers are members of their owner's structure. Nothing is allocated here, so setting
 * a timer cannot fail. A callback may watch, forget, set and clear any source or timer, also its
 * own. A callback must not wait, and must not turn the loop that called it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct epoll_event;

/** A descriptor that is waited for. */
struct loop_source {
	int fd;
	/* @events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR of epoll_ctl(2) */
	void (*on_event)(void *data, uint32_t events);
	void *data;
	bool is_watched;
};

/** A point in time that is waited for. */
struct loop_timer {
	void (*on_time)(void *data);
	void *data;
	uint64_t due_ns; /* CLOCK_MONOTONIC */
	bool is_set;
	struct loop_timer *child, *sibling, *before; /* the heap; see loop.c */
};

struct loop {
	int epoll;
	struct loop_timer *first;  /* the timer that is due first; NULL: none is set */
	struct epoll_event *batch; /* the events of this turn, whose functions are being called */
	int batch_count;
};

/** A loop that is not open. Start with this value: loop_close() is then always safe. */
#define LOOP_NONE ((struct loop){.epoll = -1})

/** loop_open() - open the loop. Return: 0 or -errno, reported. */
int loop_open(struct loop *loop);

/** loop_close() - close the loop. It watches nothing any more. Safe to repeat. */
void loop_close(struct loop *loop);

/**
 * loop_watch() - call @source->on_event when its descriptor is ready
 * @events: EPOLLIN, EPOLLOUT; 0: only errors, and that the other end has gone (EPOLLERR, EPOLLHUP)
 *
 * If the source is watched already, the new @events replace the earlier ones from now on.
 *
 * Return: 0 or -errno. -EPERM: a regular file, which is always ready and cannot be watched.
 */
int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events);

/**
 * loop_forget() - stop watching a source. Call it before the descriptor is closed.
 *
 * If an event of this source is already waiting to be handed out, it is dropped. Safe to repeat.
 */
void loop_forget(struct loop *loop, struct loop_source *source);

/** loop_set_timer() - call @timer->on_time once, in @ms from now. Replaces an earlier setting. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, unsigned int ms);

/** loop_set_timer_ns() - the same, in @ns from now */
void loop_set_timer_ns(struct loop *loop, struct loop_timer *timer, uint64_t ns);

/** loop_clear_timer() - do not call @timer->on_time. Safe to repeat. */
void loop_clear_timer(struct loop *loop, struct loop_timer *timer);

/**
 * loop_turn() - wait for the next events and timers, and call their functions
 *
 * Return: 0 or -errno.
 */
int loop_turn(struct loop *loop);

/**
 * loop_descriptor() - a descriptor that is readable when a source of the loop is ready
 *
 * So one loop can be a source of another: a single call then watches all its sources, or none. The
 * descriptor does not show the loop's timers.
 */
int loop_descriptor(const struct loop *loop);

/**
 * loop_poll() - call the functions of the sources that are ready, without waiting.
 * Return: 0 or -errno.
 */
int loop_poll(struct loop *loop);

/** loop_now_ns() - the time now, by the clock of the timers (CLOCK_MONOTONIC). */
uint64_t loop_now_ns(void);
