/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rule.h - routing rules (`ip rule`) for a link that forwards, so that this host does not become a
 * router.
 *
 * For packets that come in on the link, three rules come before those of all others:
 *
 *	10:   iif LINK lookup local               for this host itself
 *	10:   iif LINK to 10.90.0.0/24 lookup main    for the copies
 *	100:  iif LINK blackhole                  anything else is dropped, as without forwarding
 *
 * Unlike our nftables table, they do not need a living process. If all our processes are killed at
 * once, the rules stay as long as the forwarding that they guard: the next start undoes both.
 */
#pragma once

#include "net/address.h"
#include "net/netlink.h"

/** An index is below this one, and has priorities of its own. */
enum { RULE_INDEX_MAX = 90 };

/**
 * rule_guard_link() - add the three rules for packets that come in on a link
 * @network: what may be reached; the rules are for its family
 * @index:   of the run, less than RULE_INDEX_MAX
 *
 * It is no error if a rule exists already. Return: 0 or -errno.
 */
int rule_guard_link(struct netlink *nl, const char *link, const struct address *network,
		    unsigned int index);

/**
 * rule_delete_all() - delete all rules of run @index, of both families
 *
 * It is no error if there are none. Return: 0 or the first -errno.
 */
int rule_delete_all(struct netlink *nl, unsigned int index);
