// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crew_ports.c - mappings come and go, and the copies that they lead to are told.
 */
#include <errno.h>

#include "run/crew.h"

int crew_add_mapping(struct crew *crew, struct nat_port port, uint16_t copy_port,
		     unsigned int number)
{
	struct copy *copy = crew_find(crew, number);
	struct mapping *mapping;
	int err;

	if (crew->is_ending)
		return -ESHUTDOWN;
	err = ports_add(&crew->ports, port, copy_port, number, &mapping);
	if (err || !copy)
		return err;
	err = copy_lead(copy, mapping);
	if (err)
		crew_remove_mapping(crew, port);
	return err;
}

int crew_share(struct crew *crew, struct nat_port port, uint16_t copy_port,
	       enum plan_balance balance)
{
	struct mapping *head, *member;
	int err;

	if (crew->is_ending)
		return -ESHUTDOWN;
	err = ports_add_shared(&crew->ports, port, copy_port, balance, crew->setting.plan->copies,
			       &head);
	for (struct copy *copy = crew->first; !err && copy; copy = copy->next) {
		err = ports_join(&crew->ports, head, copy->number, &member);
		if (!err)
			err = copy_lead(copy, member);
		if (err)
			crew_remove_mapping(crew, port);
	}
	return err;
}

static void crew_unlink(struct copy *copy, const struct mapping *mapping)
{
	for (struct mapping **at = copy ? &copy->mappings : NULL; at && *at; at = &(*at)->next)
		if (*at == mapping) {
			*at = mapping->next;
			return;
		}
}

int crew_remove_mapping(struct crew *crew, struct nat_port port)
{
	struct mapping *mapping = ports_find(&crew->ports, port);
	size_t i = 0;

	if (!mapping)
		return -ENOENT;
	while (mapping->share && i < crew->ports.count) {
		struct mapping *member = crew->ports.mappings[i];

		if (member->share != mapping->share || member == mapping) {
			i++;
			continue;
		}
		crew_unlink(crew_find(crew, member->copy), member);
		ports_remove(&crew->ports, member);
	}
	crew_unlink(crew_find(crew, mapping->copy), mapping);
	ports_remove(&crew->ports, mapping);
	network_sweep_later(crew->setting.network);
	return 0;
}

int crew_hold_ports(struct crew *crew)
{
	int err = 0, failed;
	struct mapping *lost;

	while ((failed = ports_hold(&crew->ports, &lost))) {
		crew_remove_mapping(crew, lost->port);
		err = err ? err : failed;
	}
	return err;
}
