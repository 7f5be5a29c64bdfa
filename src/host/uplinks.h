/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uplinks.h - letting in what comes for our host ports from elsewhere, without making a router.
 *
 * A packet that comes in by a link is forwarded only if that link has forwarding on. We turn it on
 * for each link that has an address or a route, one by one, while ip_forward and all.forwarding
 * stay as they are. Before a link is turned on it is guarded (net/guard.h): whatever it would
 * forward to another place than our bridges is dropped.
 *
 * A link is known by its index, so that it may be renamed. Whoever turns on forwarding for the
 * whole host (Docker, libvirt, an administrator) needs the links as they are: from then on they are
 * not ours any more, and not guarded.
 *
 * Runs on the same host share their uplinks: the last one turns them off again.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/log.h"
#include "net/nat.h"
#include "net/netlink.h"

struct uplink;

struct uplinks {
	struct log *log;      /* undo log of this run */
	struct nat *nat;      /* whose guard it is */
	unsigned int bridge;  /* ifindex of our own bridge, which is none */
	bool has_ipv6;        /* whether to care for IPv6 at all */
	struct uplink *links; /* those that are ours, @count of them; owned */
	size_t count;
};

/** uplinks_mtu() - the smallest MTU, in bytes, of the links with an address; 1500 without any. */
unsigned int uplinks_mtu(struct netlink *route);

/**
 * uplinks_update() - look at all links: turn on those that need it, let go of those that do not
 * @rundir: of rundir_open(), locked
 *
 * Return: 0; -EINPROGRESS, unreported: a link is being renamed, so look again, all others have been
 * looked at; or another -errno, reported.
 */
int uplinks_update(struct uplinks *uplinks, struct netlink *route, int rundir);

/**
 * uplinks_let_go() - somebody has made the host a router: its links are not ours any more
 * Return: 0 or -errno, reported.
 */
int uplinks_let_go(struct uplinks *uplinks, sa_family_t family);

/** uplinks_close() - free the memory. Safe to repeat, and on zeros. */
void uplinks_close(struct uplinks *uplinks);

/**
 * uplinks_host_forwards() - is the whole host a router in this family?
 * Return: 1: yes; 0; or -errno, reported.
 */
int uplinks_host_forwards(sa_family_t family);

/**
 * uplinks_can_forward_ipv6() - has this kernel a way to forward IPv6 by single links?
 *
 * Linux 6.17 has (force_forwarding). The older conf.LINK.forwarding has no effect without
 * conf.all.forwarding, and would make the host ignore router advertisements. True as well where the
 * host forwards IPv6 anyway.
 */
bool uplinks_can_forward_ipv6(void);

/**
 * uplinks_put_back() - turn a link's forwarding off again
 * @rundir:  of rundir_open(), locked
 * @own_log: of the run that turned it on
 *
 * Not if another living run needs it, or the whole host has become a router; a link that has gone
 * needs nothing. Return: 0; -EINPROGRESS, unreported: the link is being renamed; or another -errno,
 * reported.
 */
int uplinks_put_back(sa_family_t family, unsigned int ifindex, int rundir, int own_log);

/**
 * uplinks_put_back_lro() - turn on a link's large receive offload, as it was before us
 *
 * Not if another living run has turned it off, or if others have the link forward. Return: 0;
 * -EINPROGRESS, unreported: the link is being renamed, or uplinks_put_back() has still to turn off
 * its forwarding; or another -errno, reported.
 */
int uplinks_put_back_lro(unsigned int ifindex, int rundir, int own_log);
