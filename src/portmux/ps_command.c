// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ps_command.c - `portmux ps`: asks one run or all of them, and shows a table.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "portmux/client.h"
#include "portmux/command.h"
#include "portmux/flags.h"
#include "portmux/table.h"

enum { PS_WATCH_MS = 1000 };

static const char USAGE[] =
	"usage: portmux ps [OPTION]... [NAME]\n"
	"\n"
	"Shows the copies of the run of that name, or of all runs: their ports, states and\n"
	"counters.\n"
	"\n"
	"      --json   a JSON object for each copy, one a line\n"
	"      --watch  again every second\n"
	"  -h, --help\n";

struct ps {
	const char *name; /* of the run that is asked */
	unsigned int count;
	bool is_json;
	struct table table;
};

static void ps_print_json(const char *name, json_t *copy)
{
	json_t *object = json_pack("{s:s}", "name", name);

	json_object_update(object, copy);
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
	putchar('\n');
	json_decref(object);
}

static void ps_on_copy(void *data, json_t *copy)
{
	struct ps *ps = data;

	ps->count++;
	if (ps->is_json)
		ps_print_json(ps->name, copy);
	else
		table_add(&ps->table, ps->name, copy);
}

static int ps_ask(struct ps *ps, const char *name)
{
	int err;

	ps->name = name;
	ps->count = 0;
	err = client_ask(name, json_pack("{s:s}", "command", "ps"), CLIENT_PATIENCE_S, ps_on_copy,
			 ps);
	if (!err && ps->count == 0 && !ps->is_json) {
		json_t *none = json_pack("{s:s}", "state", "no copies");

		table_add(&ps->table, name, none);
		json_decref(none);
	}
	return err;
}

/* A run that does not answer, or is somebody else's, is no failure here: it was said. */
static int ps_ask_all(struct ps *ps)
{
	struct client_name *names;
	size_t count;
	int err = client_list(&names, &count);

	for (size_t i = 0; i < count; i++)
		ps_ask(ps, names[i].text);
	free(names);
	return err;
}

static void ps_write(void *data, const char *text, size_t length)
{
	(void)data;
	fwrite(text, 1, length, stdout);
}

/* @name: NULL: all. Return: 0 or -errno, reported. */
static int ps_show(struct ps *ps, const char *name, bool clears)
{
	int err = name ? ps_ask(ps, name) : ps_ask_all(ps);

	if (clears)
		fputs("\033[H\033[J", stdout);
	if (!err && !ps->is_json)
		table_print(&ps->table, ps_write, NULL);
	table_close(&ps->table);
	return err;
}

int command_ps(int argc, char **argv)
{
	struct ps ps = {0};
	bool is_watched = false;
	const struct flag known[] = {
		{.name = "json", .is_set = &ps.is_json},
		{.name = "watch", .is_set = &is_watched},
	};
	const struct flags flags = {.usage = USAGE, .known = known, .count = 2, .most = 1};
	char **operands;
	int status = flags_parse(&flags, argc, argv, &operands);
	int err;

	if (status >= 0)
		return status;
	do
		err = ps_show(&ps, operands[0], is_watched && !ps.is_json && isatty(STDOUT_FILENO));
	while (fflush(stdout) == 0 && !err && is_watched && poll(NULL, 0, PS_WATCH_MS) == 0);
	return err || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
