// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.c - a line for each copy. The columns are as wide as their longest text.
 */
#include "portmux/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/loop.h"

enum { TABLE_CELL_MAX = 128, TABLE_COLUMNS = 8 };

static const char *const HEADINGS[TABLE_COLUMNS] = {
	"COPY", "STATE", "PORTS", "UPTIME", "RESTARTS", "CONNECTIONS", "RECEIVED", "SENT",
};

static const char *const STATES[LIFE_STATES] = {
	[LIFE_ENDED] = "ended",   [LIFE_PREPARING] = "preparing", [LIFE_STARTING] = "starting",
	[LIFE_READY] = "ready",   [LIFE_NOT_READY] = "not ready", [LIFE_DRAINING] = "draining",
	[LIFE_ENDING] = "ending", [LIFE_KILLED] = "killed",
};

typedef char table_line[TABLE_COLUMNS][TABLE_CELL_MAX];

struct table {
	struct run *run;
	table_line *lines; /* owned */
	size_t count, size;
	size_t widths[TABLE_COLUMNS];
};

/* "1.5M": three digits are enough for people. */
static void table_format_bytes(uint64_t bytes, char *cell)
{
	static const char UNITS[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1000 && unit + 2 < sizeof(UNITS); unit++)
		value /= 1024;
	if (unit == 0)
		snprintf(cell, TABLE_CELL_MAX, "%u", (unsigned int)bytes);
	else
		snprintf(cell, TABLE_CELL_MAX, value < 10 ? "%.1f%c" : "%.0f%c", value,
			 UNITS[unit]);
}

static void table_format_uptime(const struct run_copy *copy, char *cell)
{
	uint64_t seconds = (loop_now_ns() - copy->started_ns) / 1000000000;

	if (!copy->pid)
		snprintf(cell, TABLE_CELL_MAX, "-");
	else if (seconds < 3600)
		snprintf(cell, TABLE_CELL_MAX, "%u:%02u", (unsigned int)(seconds / 60),
			 (unsigned int)(seconds % 60));
	else
		snprintf(cell, TABLE_CELL_MAX, "%u:%02u:%02u", (unsigned int)(seconds / 3600),
			 (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
}

/* Appends "8081->8080" to a cell; of very many mappings, the first. */
static void table_add_mapping(void *data, const struct run_mapping *mapping)
{
	char *cell = data;
	size_t length = strlen(cell);
	char address[ADDRESS_TEXT_MAX] = "";
	const char *open = "", *close = "";

	if (length + 64 > TABLE_CELL_MAX) {
		if (strcmp(cell + length - 3, "...") != 0)
			snprintf(cell + length, TABLE_CELL_MAX - length, ", ...");
		return;
	}
	if (mapping->address.family != AF_UNSPEC) {
		address_format(&mapping->address, address);
		open = mapping->address.family == AF_INET6 ? "[" : "";
		close = mapping->address.family == AF_INET6 ? "]:" : ":";
	}
	snprintf(cell + length, TABLE_CELL_MAX - length, "%s%s%s%s%u->%u%s", length ? ", " : "",
		 open, address, close, mapping->host_port, mapping->copy_port,
		 mapping->protocol == IPPROTO_UDP ? "/udp" : "");
}

static table_line *table_add_line(struct table *table)
{
	if (table->count == table->size) {
		size_t size = table->size ? 2 * table->size : 64;
		table_line *grown = reallocarray(table->lines, size, sizeof(*grown));

		if (!grown)
			return NULL;
		table->lines = grown;
		table->size = size;
	}
	memset(&table->lines[table->count], 0, sizeof(*table->lines));
	return &table->lines[table->count++];
}

static void table_measure(struct table *table, table_line *line)
{
	for (size_t i = 0; i < TABLE_COLUMNS; i++) {
		size_t width = strlen((*line)[i]);

		table->widths[i] = width > table->widths[i] ? width : table->widths[i];
	}
}

static void table_add_copy(void *data, const struct run_copy *copy)
{
	struct table *table = data;
	table_line *line = table_add_line(table);

	if (!line)
		return;
	snprintf((*line)[0], TABLE_CELL_MAX, "%u", copy->number);
	snprintf((*line)[1], TABLE_CELL_MAX, "%s",
		 copy->returns ? "starts again" : STATES[copy->state]);
	run_each_mapping(table->run, copy->number, table_add_mapping, (*line)[2]);
	if (!*(*line)[2])
		snprintf((*line)[2], TABLE_CELL_MAX, "-");
	table_format_uptime(copy, (*line)[3]);
	snprintf((*line)[4], TABLE_CELL_MAX, "%u", copy->restarts);
	snprintf((*line)[5], TABLE_CELL_MAX, "%llu", (unsigned long long)copy->connections);
	table_format_bytes(copy->received, (*line)[6]);
	table_format_bytes(copy->sent, (*line)[7]);
	table_measure(table, line);
}

static void table_print(const struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		char text[TABLE_COLUMNS * (TABLE_CELL_MAX + 2) + 1];
		size_t length = 0;

		for (size_t j = 0; j < TABLE_COLUMNS; j++)
			length += (size_t)snprintf(
				text + length, sizeof(text) - length, "%-*s%s",
				j + 1 < TABLE_COLUMNS ? (int)table->widths[j] : 0,
				table->lines[i][j], j + 1 < TABLE_COLUMNS ? "  " : "\n");
		run_tell(table->run, text, length);
	}
}

void table_show(struct run *run)
{
	struct table table = {.run = run};
	table_line *line = table_add_line(&table);

	for (size_t i = 0; line && i < TABLE_COLUMNS; i++)
		snprintf((*line)[i], TABLE_CELL_MAX, "%s", HEADINGS[i]);
	if (line)
		table_measure(&table, line);
	run_count(run);
	run_each_copy(run, table_add_copy, &table);
	table_print(&table);
	free(table.lines);
}
