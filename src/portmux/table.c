// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.c - a line for each copy. The columns are as wide as their longest text.
 */
#include "portmux/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portmux/describe.h"

enum {
	TABLE_NAME,
	TABLE_COPY,
	TABLE_STATE,
	TABLE_HEALTH,
	TABLE_PORTS,
	TABLE_UPTIME,
	TABLE_RESTARTS,
	TABLE_OPEN,
	TABLE_CONNECTIONS,
	TABLE_RECEIVED,
	TABLE_SENT,
};

static const char *const HEADINGS[TABLE_COLUMNS] = {
	[TABLE_NAME] = "NAME",         [TABLE_COPY] = "COPY",   [TABLE_STATE] = "STATE",
	[TABLE_HEALTH] = "HEALTH",     [TABLE_PORTS] = "PORTS", [TABLE_UPTIME] = "UPTIME",
	[TABLE_RESTARTS] = "RESTARTS", [TABLE_OPEN] = "OPEN",   [TABLE_CONNECTIONS] = "CONNECTIONS",
	[TABLE_RECEIVED] = "RECEIVED", [TABLE_SENT] = "SENT",
};

/* ---- Cells ---- */

static void table_set_text(char *cell, const json_t *text)
{
	if (json_is_string(text))
		snprintf(cell, TABLE_CELL_MAX, "%s", json_string_value(text));
}

static void table_set_number(char *cell, const json_t *number)
{
	if (json_is_integer(number))
		snprintf(cell, TABLE_CELL_MAX, "%lld", (long long)json_integer_value(number));
}

/* "1.5M": three digits are enough for people. */
static void table_set_bytes(char *cell, const json_t *bytes)
{
	static const char UNITS[] = "BKMGTPE";
	double value = json_number_value(bytes);
	size_t unit = 0;

	for (; value >= 1000 && unit + 2 < sizeof(UNITS); unit++)
		value /= 1024;
	if (unit == 0)
		snprintf(cell, TABLE_CELL_MAX, "%u", (unsigned int)value);
	else
		snprintf(cell, TABLE_CELL_MAX, value < 10 ? "%.1f%c" : "%.0f%c", value,
			 UNITS[unit]);
}

static void table_set_uptime(char *cell, const json_t *uptime)
{
	unsigned long seconds = (unsigned long)json_number_value(uptime);

	if (!uptime)
		snprintf(cell, TABLE_CELL_MAX, "-");
	else if (seconds < 3600)
		snprintf(cell, TABLE_CELL_MAX, "%lu:%02lu", seconds / 60, seconds % 60);
	else
		snprintf(cell, TABLE_CELL_MAX, "%lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60,
			 seconds % 60);
}

static void table_format_mapping(const json_t *mapping, char *text, size_t size)
{
	const char *address = json_string_value(json_object_get(mapping, "address"));
	const char *protocol = json_string_value(json_object_get(mapping, "protocol"));
	bool is_ipv6 = address && strchr(address, ':');

	snprintf(text, size, "%s%s%s%s%lld->%lld%s", is_ipv6 ? "[" : "", address ? address : "",
		 is_ipv6 ? "]" : "", address ? ":" : "",
		 (long long)json_integer_value(json_object_get(mapping, "host_port")),
		 (long long)json_integer_value(json_object_get(mapping, "port")),
		 protocol && strcmp(protocol, "udp") == 0 ? "/udp" : "");
}

/* "8081->8080, ..."; of very many mappings, the first. */
static void table_set_mappings(char *cell, const json_t *mappings)
{
	const json_t *mapping;
	size_t length = 0, i;

	json_array_foreach(mappings, i, mapping)
	{
		char text[TABLE_CELL_MAX / 2];

		table_format_mapping(mapping, text, sizeof(text));
		if (length + sizeof(text) > TABLE_CELL_MAX)
			snprintf(text, sizeof(text), "...");
		length += (size_t)snprintf(cell + length, TABLE_CELL_MAX - length, "%s%s",
					   length ? ", " : "", text);
		if (strcmp(text, "...") == 0)
			return;
	}
	if (length == 0)
		snprintf(cell, TABLE_CELL_MAX, "-");
}

/* ---- Lines ---- */

static bool table_grow(struct table *table)
{
	size_t size = table->size ? 2 * table->size : 64;
	void *grown = reallocarray(table->lines, size, sizeof(*table->lines));

	if (!grown)
		return false;
	table->lines = grown;
	table->size = size;
	return true;
}

void table_add(struct table *table, const char *run, const json_t *copy)
{
	char(*cells)[TABLE_CELL_MAX];

	if (table->count == table->size && !table_grow(table))
		return;
	cells = table->lines[table->count++];
	memset(cells, 0, sizeof(*table->lines));
	snprintf(cells[TABLE_NAME], TABLE_CELL_MAX, "%s", run ? run : "");
	table_set_number(cells[TABLE_COPY], json_object_get(copy, "copy"));
	table_set_text(cells[TABLE_STATE], json_object_get(copy, "state"));
	table_set_text(cells[TABLE_HEALTH], json_object_get(copy, "health"));
	table_set_mappings(cells[TABLE_PORTS], json_object_get(copy, "mappings"));
	table_set_uptime(cells[TABLE_UPTIME], json_object_get(copy, "uptime"));
	table_set_number(cells[TABLE_RESTARTS], json_object_get(copy, "restarts"));
	table_set_number(cells[TABLE_OPEN], json_object_get(copy, "open"));
	table_set_number(cells[TABLE_CONNECTIONS], json_object_get(copy, "connections"));
	table_set_bytes(cells[TABLE_RECEIVED], json_object_get(copy, "received"));
	table_set_bytes(cells[TABLE_SENT], json_object_get(copy, "sent"));
	for (size_t i = 0; i < TABLE_COLUMNS; i++) {
		size_t width = strlen(cells[i]);

		table->widths[i] = width > table->widths[i] ? width : table->widths[i];
	}
}

/* @cells: NULL: the headings */
static size_t table_format(const struct table *table, const char (*cells)[TABLE_CELL_MAX],
			   char *text, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < TABLE_COLUMNS; i++) {
		size_t heading = strlen(HEADINGS[i]);
		size_t width = table->widths[i] > heading ? table->widths[i] : heading;
		bool is_last = i == TABLE_COLUMNS - 1;

		if (table->widths[i] > 0 || (i != TABLE_NAME && i != TABLE_HEALTH))
			length += (size_t)snprintf(
				text + length, size - length, "%-*s%s", is_last ? 0 : (int)width,
				cells ? cells[i] : HEADINGS[i], is_last ? "\n" : "  ");
	}
	return length;
}

void table_print(const struct table *table,
		 void (*write)(void *data, const char *text, size_t length), void *data)
{
	char text[TABLE_COLUMNS * (TABLE_CELL_MAX + 2) + 1];

	write(data, text, table_format(table, NULL, text, sizeof(text)));
	for (size_t i = 0; i < table->count; i++)
		write(data, text, table_format(table, table->lines[i], text, sizeof(text)));
}

void table_close(struct table *table)
{
	free(table->lines);
	*table = (struct table){0};
}

/* ---- In the manager ---- */

struct table_of_run {
	struct table table;
	struct run *run;
};

static void table_add_copy(void *data, const struct run_copy *copy)
{
	struct table_of_run *shown = data;
	json_t *object = describe_copy(shown->run, copy);

	table_add(&shown->table, NULL, object);
	json_decref(object);
}

static void table_tell(void *data, const char *text, size_t length)
{
	run_tell(data, text, length);
}

void table_show(struct run *run)
{
	struct table_of_run shown = {.run = run};

	run_count(run);
	run_each_copy(run, table_add_copy, &shown);
	table_print(&shown.table, table_tell, run);
	table_close(&shown.table);
}
