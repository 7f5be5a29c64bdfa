/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - copies at a glance: their ports, states and counters, for people.
 */
#pragma once

#include <jansson.h>

#include "run/run.h"

enum { TABLE_CELL_MAX = 128, TABLE_COLUMNS = 11 };

struct table {
	char (*lines)[TABLE_COLUMNS][TABLE_CELL_MAX]; /* owned; the first has the headings */
	size_t count, size;
	size_t widths[TABLE_COLUMNS];
};

/**
 * table_add() - a line for a copy. Without memory, there is none.
 * @run:  the name of its run; NULL: all are of one run
 * @copy: as describe_copy() gives it
 */
void table_add(struct table *table, const char *run, const json_t *copy);

/** table_print() - give headings and lines to @write. */
void table_print(const struct table *table,
		 void (*write)(void *data, const char *text, size_t length), void *data);

/** table_close() - free all lines. Safe to repeat. */
void table_close(struct table *table);

/** table_show() - print the copies of a run on standard error (SIGUSR1). */
void table_show(struct run *run);
