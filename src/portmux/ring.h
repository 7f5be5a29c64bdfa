/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h - the last lines of a copy, in memory that grows up to a limit. Then each new line takes
 * the place of the oldest ones. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/** All zeros: empty. */
struct ring {
	char *bytes;         /* a byte at the offset n is bytes[n % size]; owned */
	size_t size;         /* a power of two */
	uint64_t begin, end; /* offsets of the oldest line, and behind the newest; never smaller */
};

struct ring_line {
	uint64_t number; /* greater than that of any line before it */
	struct timespec time;
	size_t length;
};

/**
 * ring_add() - add a line
 * @limit: how much memory may be used, a power of two. A line that does not fit is lost.
 */
void ring_add(struct ring *ring, const struct ring_line *line, const char *text, size_t limit);

/**
 * ring_look() - the line at an offset, without its text
 * @offset: 0 at first; moved to the oldest line if that is behind it
 *
 * Return: false: there is none yet.
 */
bool ring_look(const struct ring *ring, uint64_t *offset, struct ring_line *ret);

/** ring_take() - the text of the line at an offset; moves the offset behind it. */
void ring_take(const struct ring *ring, uint64_t *offset, char *text);

/** ring_close() - forget all lines, and give the memory back. Safe to repeat. */
void ring_close(struct ring *ring);
