/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printed.h - what the copies of a run have printed last, a ring for each.
 */
#pragma once

#include "portmux/ring.h"

/** All zeros: nothing. */
struct printed {
	struct ring *rings; /* of the copies, by number; owned */
	unsigned int size;  /* of @rings */
	uint64_t last;      /* the number of the newest line */
};

/** Where somebody reads, who gets the lines of all copies in their order. All zeros: the oldest. */
struct printed_reader {
	uint64_t *offsets; /* in the rings, by number of the copy; owned */
	unsigned int size;
	unsigned int only; /* the number of a copy; 0: all */
};

/** printed_add() - copy @number has printed a line. Without memory, it is lost. */
void printed_add(struct printed *printed, unsigned int number, const char *text, size_t length);

/** printed_has() - has copy @number printed anything? It may have ended meanwhile. */
bool printed_has(const struct printed *printed, unsigned int number);

/**
 * printed_next() - the next line for a reader
 * @ret_number: of the copy
 * @text:       OUTPUT_LINE_MAX bytes
 * @ret_is_gap: lines of this copy have been lost before this one, since the reader was too slow
 *
 * Return: false: there is none now.
 */
bool printed_next(const struct printed *printed, struct printed_reader *reader,
		  unsigned int *ret_number, struct ring_line *ret, char *text, bool *ret_is_gap);

/** printed_close() - forget all. Safe to repeat. */
void printed_close(struct printed *printed);
