/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.h - waits for descriptors and for points in time, and calls whoever asked for them.
 *
 * Sources and timers are members of their owner's structure: nothing is allocated here, so that
 * asking for a timer cannot fail. A callback may watch, forget, set and clear whatever it likes,
 * its own source and those of others too. No callback may wait, or turn the loop that called it.
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
	struct epoll_event *batch; /* events that are being handed out */
	int batch_count;
};

/** A loop that is not open: for loop_close() to be right from the beginning. */
#define LOOP_NONE ((struct loop){.epoll = -1})

/** loop_open() - Return: 0 or -errno, reported. */
int loop_open(struct loop *loop);

/** loop_close() - let go of what was watched. Safe to repeat. */
void loop_close(struct loop *loop);

/**
 * loop_watch() - call @source->on_event when its descriptor is ready, or other @events from now on
 * @events: EPOLLIN, EPOLLOUT; 0: only that the other end has gone
 *
 * Return: 0 or -errno. -EPERM: a regular file, which is always ready and cannot be watched.
 */
int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events);

/**
 * loop_forget() - stop watching. To be called before the descriptor is closed.
 *
 * An event of this source that is waiting to be handed out is dropped. Safe to repeat.
 */
void loop_forget(struct loop *loop, struct loop_source *source);

/** loop_set_timer() - call @timer->on_time once, in @ms from now; forgets an earlier setting. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, unsigned int ms);

/** loop_clear_timer() - do not call it. Safe to repeat. */
void loop_clear_timer(struct loop *loop, struct loop_timer *timer);

/**
 * loop_turn() - wait until something happens, and call whom it concerns
 *
 * Return: 0 or -errno.
 */
int loop_turn(struct loop *loop);

/**
 * loop_descriptor() - readable when the loop has something to hand out
 *
 * So one loop can be a source of another, and many sources be watched, or not, by a single call.
 * Its timers are not seen through it.
 */
int loop_descriptor(const struct loop *loop);

/** loop_poll() - hand out what is there, without waiting. Return: 0 or -errno. */
int loop_poll(struct loop *loop);

/** loop_now_ns() - the clock of the timers. */
uint64_t loop_now_ns(void);
