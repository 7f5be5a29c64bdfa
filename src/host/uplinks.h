/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - letting in what comes for our host ports from elsewhere, without making a router.
 *
 * A packet that comes in by a link is forwarded only if that link has forwarding on. We turn it on
 * for each link that has an address, one by one, while ip_forward and all.forwarding stay as they
 * are; what is on already (the host is a router) is left alone. Before a link is turned on, it is
 * guarded (net/rule.h): what it would forward beside our bridge is dropped.
 *
 * Runs on the same host share their uplinks; see undo.h for who turns them off again.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/log.h"
#include "net/netlink.h"

struct uplinks {
	struct log *log;     /* undo log of this run */
	unsigned int bridge; /* ifindex of our own bridge, which is none */
	bool ipv6;           /* whether to care for IPv6 at all */
	/* Called before a link is turned on. Return: 0, or a negative errno, reported. */
	int (*guard)(void *data, sa_family_t family, const char *link);
	void *data;
};

/** uplinks_mtu() - the smallest MTU, in bytes, of the links with an address; 1500 without any. */
unsigned int uplinks_mtu(struct netlink *route);

/**
 * uplinks_enable_all() - turn every link on that has an address and needs it
 * @rundir: of rundir_open(), locked
 *
 * Return: 0, or a negative errno, reported.
 */
int uplinks_enable_all(struct uplinks *uplinks, struct netlink *route, int rundir);

/**
 * uplinks_can_forward_ipv6() - has this kernel a way to forward IPv6 by single links?
 *
 * Linux 6.17 has (force_forwarding). The older conf.LINK.forwarding has no effect without
 * conf.all.forwarding, and would make the host ignore router advertisements. True as well where the
 * host forwards IPv6 anyway.
 */
bool uplinks_can_forward_ipv6(void);
