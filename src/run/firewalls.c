// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * firewalls.c - firewalls in the way, as lines on standard error.
 */
#include "run/firewalls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { FIREWALLS_LOOK_MS = 1000 };

static void firewalls_on_time(void *data)
{
	firewalls_tell(data);
}

void firewalls_open(struct firewalls *firewalls, struct loop *loop, struct nat *nat,
		    const char *bridge, const char *own_prefix)
{
	*firewalls = (struct firewalls){
		.loop = loop,
		.nat = nat,
		.bridge = bridge,
		.own_prefix = own_prefix,
		.look = {.on_time = firewalls_on_time, .data = firewalls},
	};
}

static bool firewalls_has_told(const struct firewalls *firewalls,
			       const struct firewall_chain *chain)
{
	for (size_t i = 0; i < firewalls->told_count; i++) {
		const struct firewall_chain *told = &firewalls->told[i];

		if (strcmp(told->family, chain->family) == 0 &&
		    strcmp(told->table, chain->table) == 0 &&
		    strcmp(told->chain, chain->chain) == 0)
			return true;
	}
	return false;
}

static void firewalls_tell_chain(struct firewalls *firewalls, const struct firewall_chain *chain)
{
	struct firewall_chain *grown =
		reallocarray(firewalls->told, firewalls->told_count + 1, sizeof(*grown));
	char command[FIREWALL_COMMAND_MAX];

	firewall_format_command(chain, firewalls->bridge, command);
	error_say(0,
		  "chain %s %s %s drops what it does not know, and so may lock out %s; "
		  "to let them through: %s",
		  chain->family, chain->table, chain->chain, firewall_whom(chain), command);
	if (!grown) /* it may be said again */
		return;
	firewalls->told = grown;
	grown[firewalls->told_count++] = *chain;
}

void firewalls_tell(struct firewalls *firewalls)
{
	struct firewall_chain *chains = NULL;
	size_t count = 0;

	if (firewall_find(&firewalls->nat->nl, firewalls->bridge, firewalls->own_prefix, &chains,
			  &count) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (!firewalls_has_told(firewalls, &chains[i]))
			firewalls_tell_chain(firewalls, &chains[i]);
	free(chains);
}

void firewalls_tell_later(struct firewalls *firewalls)
{
	loop_set_timer(firewalls->loop, &firewalls->look, FIREWALLS_LOOK_MS);
}

void firewalls_close(struct firewalls *firewalls)
{
	if (!firewalls->loop)
		return;
	loop_clear_timer(firewalls->loop, &firewalls->look);
	free(firewalls->told);
	firewalls->told = NULL;
	firewalls->told_count = 0;
}
