/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule.h - routing rules (`ip rule`) that keep a link which forwards from making a router.
 *
 * For what comes in by the link, three rules come before all others:
 *
 *	10:   iif LINK lookup local               for this host itself
 *	10:   iif LINK to 10.90.0.0/24 lookup main    for the copies
 *	100:  iif LINK blackhole                  anything else is dropped, as without forwarding
 *
 * Other than rules of nftables they need no living process: should all of ours be killed at once,
 * they stay beside the forwarding that they guard, until the next start undoes both.
 */
#pragma once

#include "net/address.h"
#include "net/netlink.h"

/** Whoever adds such rules has an index below this one, and so priorities of its own. */
enum { RULE_INDEX_MAX = 90 };

/**
 * rule_guard_link() - add the three rules for what comes in by a link
 * @network: that may be reached; its family is that of the rules
 * @index:   less than RULE_INDEX_MAX
 *
 * Rules that are there already are no error. Return: 0 or a negative errno, not reported.
 */
int rule_guard_link(struct netlink *nl, const char *link, const struct address *network,
		    unsigned int index);

/** rule_delete_all() - delete all rules with this @index, of both families. None is no error. */
int rule_delete_all(struct netlink *nl, unsigned int index);
