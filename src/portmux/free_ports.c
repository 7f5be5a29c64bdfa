// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * free_ports.c - reserves one port after the other, all at the same time, so that none is chosen
 * twice.
 */
#include "portmux/free_ports.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/process.h"

/* Of this process, beside two for each port that is held. */
enum { FREE_PORTS_FILES = 64 };

static bool free_ports_is_free(const struct plan_port *port)
{
	return !port->host_ports && port->first_host_port == 0;
}

static size_t free_ports_count(const struct plan_port *ports, size_t count)
{
	size_t wanted = 0;

	for (size_t i = 0; i < count; i++)
		wanted += free_ports_is_free(&ports[i]);
	return wanted;
}

static bool free_ports_meet(const struct address *a, const struct address *b)
{
	return a->family == AF_UNSPEC || b->family == AF_UNSPEC || address_is_equal(a, b);
}

/* What is being chosen: all ports of the plan, and which one is next. */
struct free_ports_choice {
	struct free_ports *chosen;
	struct plan_port *ports;
	size_t count;
	unsigned int copies;
	const struct plan_port *port;
	unsigned int copy;
};

/* Has the command a port of this number, which it names itself? */
static bool free_ports_is_named(const struct free_ports_choice *choice, uint16_t number)
{
	for (size_t i = 0; i < choice->count; i++) {
		const struct plan_port *other = &choice->ports[i];

		if (other->first_host_port && other->protocol == choice->port->protocol &&
		    number >= other->first_host_port &&
		    number < other->first_host_port + choice->copies &&
		    free_ports_meet(&other->address, &choice->port->address))
			return true;
	}
	return false;
}

static bool free_ports_is_held(const struct free_ports_choice *choice, uint16_t number)
{
	const struct free_ports *chosen = choice->chosen;

	for (size_t i = 0; i < chosen->held_count; i++) {
		const struct nat_port *held = &chosen->held[i].port;

		if (held->number == number && held->protocol == choice->port->protocol &&
		    free_ports_meet(&held->address, &choice->port->address))
			return true;
	}
	return false;
}

static bool free_ports_is_taken(const struct free_ports_choice *choice, uint16_t number)
{
	return free_ports_is_named(choice, number) || free_ports_is_held(choice, number);
}

/* Return: the number, @preferred if possible; or -errno, reported. */
static int free_ports_hold(const struct free_ports_choice *choice, uint16_t preferred)
{
	struct free_ports *chosen = choice->chosen;
	bool is_taken;
	int number;

	do {
		struct reservation *grown =
			reallocarray(chosen->held, chosen->held_count + 1, sizeof(*grown));
		struct reservation *next;
		int err;

		if (!grown)
			return error_report(-ENOMEM, "cannot choose host ports");
		chosen->held = grown;
		next = &grown[chosen->held_count];
		if (preferred && free_ports_is_taken(choice, preferred))
			preferred = 0;
		err = reserve_free(next, choice->port->protocol, &choice->port->address, preferred);
		if (err) {
			reserve_release(next);
			return err;
		}
		number = next->port.number;
		is_taken = free_ports_is_taken(choice, (uint16_t)number);
		chosen->held_count++; /* also one that does not suit us: so it is not found again */
	} while (is_taken);
	return number;
}

static int free_ports_choose_one(const struct free_ports_choice *choice, uint16_t *ret)
{
	struct free_ports *chosen = choice->chosen;
	const struct remembered_port like = {
		.copy = choice->copy,
		.protocol = choice->port->protocol,
		.address = choice->port->address,
		.port = choice->port->copy_port,
	};
	struct remembered_port *remembered = remembered_take(&chosen->remembered, &like);
	int number;

	if (!remembered)
		return error_report(-ENOMEM, "cannot choose host ports");
	number = free_ports_hold(choice, remembered->host_port);
	if (number < 0)
		return number;
	chosen->has_changed |= remembered->host_port != number;
	remembered->host_port = *ret = (uint16_t)number;
	return 0;
}

static int free_ports_choose_all(struct free_ports_choice *choice)
{
	uint16_t *next = choice->chosen->numbers;

	for (size_t i = 0; i < choice->count; i++) {
		struct plan_port *port = &choice->ports[i];
		uint16_t *first = next;

		if (!free_ports_is_free(port))
			continue;
		choice->port = port;
		for (choice->copy = 1; choice->copy <= choice->copies; choice->copy++) {
			int err = free_ports_choose_one(choice, next++);

			if (err)
				return err;
		}
		port->host_ports = first;
	}
	return 0;
}

static void free_ports_release(struct free_ports *chosen)
{
	for (size_t i = 0; i < chosen->held_count; i++)
		reserve_release(&chosen->held[i]);
	free(chosen->held);
	chosen->held = NULL;
	chosen->held_count = 0;
}

int free_ports_choose(struct free_ports *chosen, struct plan_port *ports, size_t count,
		      unsigned int copies, const char *state, const struct identity *caller)
{
	struct free_ports_choice choice = {chosen, ports, count, copies, NULL, 0};
	size_t wanted = free_ports_count(ports, count) * copies;
	struct rlimit before;
	int err;

	*chosen = (struct free_ports){0};
	if (!wanted)
		return 0;
	chosen->numbers = calloc(wanted, sizeof(*chosen->numbers));
	if (!chosen->numbers)
		return error_report(-ENOMEM, "cannot choose host ports");
	err = remembered_read(&chosen->remembered, state, caller);
	if (err)
		return err;
	err = process_raise_file_limit((unsigned int)(FREE_PORTS_FILES + 2 * wanted), &before);
	if (err)
		return error_report(err, "cannot have as many open files as host ports (ulimit "
					 "-Hn)");
	err = free_ports_choose_all(&choice);
	free_ports_release(chosen);
	setrlimit(RLIMIT_NOFILE, &before); /* it is what the copies get */
	return err;
}

void free_ports_remember(const struct free_ports *chosen, const char *state,
			 const struct identity *caller)
{
	if (chosen->has_changed)
		remembered_write(&chosen->remembered, state, caller);
}

void free_ports_free(struct free_ports *chosen)
{
	free_ports_release(chosen);
	remembered_free(&chosen->remembered);
	free(chosen->numbers);
	chosen->numbers = NULL;
}
