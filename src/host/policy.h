/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - source-based policy routing, as usual on hosts with two NICs: it holds for the copies'
 * answers, too.
 *
 * Where the host has a rule such as `from 203.0.113.1 lookup 101`, a server of the host answers by
 * table 101 whoever has called that address. A copy's answer is routed before it gets that address
 * as its source, and so would leave by another link. We mark it (net/answer.h), and make a rule of
 * our own behind each such rule: `iif uva0 fwmark MARK lookup 101`.
 *
 * And where the host has any rules, one before them leads what is for a copy to the bridge: `to
 * 10.90.0.0/24 lookup main`. A rule such as `from 203.0.113.0/24 lookup 101` matches clients, too,
 * which does not matter to a server of the host.
 *
 * Our rules match nobody else's packets. The rules of others stay as they are; what they change is
 * followed.
 */
#pragma once

#include "host/log.h"
#include "net/nat.h"
#include "net/netlink.h"
#include "net/rule.h"

struct policy {
	struct log *log;    /* undo log of this run */
	struct nat *nat;    /* whose table marks the answers */
	const char *bridge; /* name of our bridge */
	unsigned int bridge_index;
	struct address networks[2]; /* the private network: IPv4, IPv6; not AF_UNSPEC */
	struct rule *rules;         /* ours, @rule_count of them; owned */
	size_t rule_count;
	bool is_noted; /* in the log */
	bool has_told; /* of a reverse path filter */
};

/**
 * policy_update() - look at the host's rules and addresses, and make ours what they have to be
 * @route: a socket of NETLINK_ROUTE
 *
 * Says once if the reverse path filter of a link drops such clients before they get to a copy.
 * Return: 0 or -errno, reported.
 */
int policy_update(struct policy *policy, struct netlink *route);

/** policy_close() - free the memory. Safe to repeat, and on zeros. */
void policy_close(struct policy *policy);
