/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewalls.h - says which firewalls of others drop the copies' packets, each of them once.
 *
 * They are looked for at the start, and again when somebody makes the host a router: Docker and
 * libvirt then set up a firewall that forwards their own packets only.
 */
#pragma once

#include <stddef.h>

#include "base/loop.h"
#include "net/firewall.h"
#include "net/nat.h"

struct firewalls {
	struct loop *loop;
	struct nat *nat;             /* its socket is used */
	const char *bridge;          /* name of our bridge */
	const char *own_prefix;      /* see firewall_find() */
	struct loop_timer look;      /* see firewalls_tell_later() */
	struct firewall_chain *told; /* what was said already, @told_count of them; owned */
	size_t told_count;
};

/** firewalls_open() - begin. All pointers must live as long as @firewalls. */
void firewalls_open(struct firewalls *firewalls, struct loop *loop, struct nat *nat,
		    const char *bridge, const char *own_prefix);

/** firewalls_tell() - look now. If they cannot be read, nothing is said. */
void firewalls_tell(struct firewalls *firewalls);

/** firewalls_tell_later() - look when whoever sets up a firewall now has had time to do so. */
void firewalls_tell_later(struct firewalls *firewalls);

/** firewalls_close() - look no more. Safe to repeat, and on zeros. */
void firewalls_close(struct firewalls *firewalls);
