/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.h - keeps what a copy prints in its place, too: PLACES/N/log, byte by byte, and of what
 * does not fit into that the last in PLACES/N/log.old.
 */
#pragma once

#include "run/place.h"

/** When `log` becomes `log.old`, in bytes: two of them are the most that a copy has. */
enum { JOURNAL_MAX = 1 << 20 };

struct journal {
	const struct places *places; /* NULL: nothing is kept */
	unsigned int number;         /* of the copy */
	int fd;
	off_t size;
};

/**
 * journal_open() - begin to write, behind what is there
 *
 * If that is not possible, it is said, and nothing is kept: a run is worth more than its log.
 */
void journal_open(struct journal *journal, const struct places *places, unsigned int number);

/** journal_write() - what the copy has printed. */
void journal_write(struct journal *journal, const char *data, size_t length);

/** journal_close() - close the file. Safe to repeat, and on zeros. */
void journal_close(struct journal *journal);
