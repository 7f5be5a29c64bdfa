// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mapping.c - a reservation, a chain, and an element of the map.
 */
#include "run/mapping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "run/share.h"

int mapping_open(struct mapping *mapping, struct nat_port port, unsigned int copy,
		 uint16_t copy_port)
{
	*mapping = (struct mapping){.port = port,
				    .copy = copy,
				    .copy_port = copy_port,
				    .is_fresh = port.protocol == IPPROTO_UDP};
	return reserve_port(&mapping->reservation, &port);
}

void mapping_join(struct mapping *mapping, const struct mapping *head, unsigned int copy)
{
	*mapping = (struct mapping){
		.port = head->port,
		.copy = copy,
		.copy_port = head->copy_port,
		.share = head->share,
		.reservation = RESERVATION_NONE,
		.nat = head->nat,
	};
}

bool mapping_holds_port(const struct mapping *mapping)
{
	return !mapping->share || mapping->copy == 0;
}

struct mapping *mapping_holder(struct mapping *mapping)
{
	return mapping_holds_port(mapping) ? mapping : mapping->share->head;
}

int mapping_check(const struct mapping *mapping)
{
	return reserve_check(&mapping->reservation);
}

int mapping_hold(struct mapping *mapping)
{
	int err = mapping->is_held ? 0 : reserve_listen(&mapping->reservation);

	mapping->is_held = !err;
	return err;
}

void mapping_install(struct mapping *mapping, struct nat *nat)
{
	mapping->nat = nat;
	if (mapping_holds_port(mapping))
		nat_hold_port(nat, &mapping->port);
}

int mapping_aim(struct mapping *mapping, const char *name, const char *comment,
		const struct address *to, const struct address *to6)
{
	char *copied = strdup(comment);

	if (!copied)
		return error_report(-ENOMEM, "port %u: cannot be mapped", mapping->port.number);
	free(mapping->comment);
	mapping->comment = copied;
	snprintf(mapping->chain, sizeof(mapping->chain), "%s", name);
	mapping->backend = (struct nat_backend){
		.chain = mapping->chain,
		.comment = mapping->comment,
		.to = *to,
		.port = mapping->copy_port,
	};
	nat_add_backend(mapping->nat, &mapping->backend);
	mapping->backend.to6 = *to6;
	mapping->has_backend = true;
	mapping->has_ipv6 = false;
	return 0;
}

void mapping_follow(struct mapping *mapping, struct mapping_listens listens)
{
	if (!mapping->has_backend)
		return;
	if (listens.ipv6 && !mapping->has_ipv6 && mapping->backend.to6.family != AF_UNSPEC &&
	    mapping->port.address.family != AF_INET) {
		nat_add_backend_ipv6(mapping->nat, &mapping->backend);
		mapping->has_ipv6 = true;
	}
	if (!listens.ipv4 && !listens.ipv6) {
		mapping_withdraw(mapping);
	} else if (!mapping->is_published && mapping->share) {
		share_put(mapping->share, mapping);
	} else if (!mapping->is_published) {
		nat_publish(mapping->nat, &mapping->port, mapping->chain, mapping->comment);
		mapping->is_published = true;
	}
}

void mapping_withdraw(struct mapping *mapping)
{
	if (mapping->is_published && !mapping_holds_port(mapping))
		share_take(mapping->share, mapping);
	else if (mapping->is_published)
		nat_withdraw(mapping->nat, &mapping->port);
	mapping->is_published = false;
}

void mapping_unaim(struct mapping *mapping)
{
	mapping_withdraw(mapping);
	if (mapping->has_backend)
		nat_remove_backend(mapping->nat, mapping->chain);
	mapping->has_backend = false;
}

void mapping_close(struct mapping *mapping)
{
	if (mapping->nat) {
		mapping_unaim(mapping);
		if (mapping_holds_port(mapping))
			nat_release_port(mapping->nat, &mapping->port);
	}
	mapping->nat = NULL;
	reserve_release(&mapping->reservation);
	free(mapping->comment);
	mapping->comment = NULL;
}
