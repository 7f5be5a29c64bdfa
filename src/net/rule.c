// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rule.c - RTM_NEWRULE and RTM_DELRULE.
 */
#include "net/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum {
	/* between 0, where the table local is looked up, and what anyone else is likely to use */
	PRIORITY_PASS = 10,
	PRIORITY_DROP = PRIORITY_PASS + RULE_INDEX_MAX,
	/* "who made it": neither the kernel's (2), iproute2's (3) nor a routing daemon's */
	PROTOCOL = 117,
};

static struct nlmsghdr *rule_request(void *buf, uint16_t type, uint16_t flags, sa_family_t family,
				     uint32_t priority, struct fib_rule_hdr **ret_rule)
{
	struct nlmsghdr *nlh = netlink_request(buf, type, NLM_F_ACK | flags);

	*ret_rule = mnl_nlmsg_put_extra_header(nlh, sizeof(**ret_rule));
	(*ret_rule)->family = (uint8_t)family;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, priority);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, PROTOCOL);
	return nlh;
}

/* @to: NULL for any destination. */
static int rule_add(struct netlink *nl, const char *link, sa_family_t family, uint32_t priority,
		    const struct address *to, uint8_t action, uint8_t table)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct fib_rule_hdr *rule;
	struct nlmsghdr *nlh =
		rule_request(buf, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, priority, &rule);
	int err;

	rule->action = action;
	rule->table = table;
	mnl_attr_put_strz(nlh, FRA_IIFNAME, link);
	if (to) {
		rule->dst_len = to->prefix;
		mnl_attr_put(nlh, FRA_DST, address_length(to), to->bytes);
	}
	err = netlink_talk(nl, nlh, NULL, NULL);
	return err == -EEXIST ? 0 : err;
}

int rule_guard_link(struct netlink *nl, const char *link, const struct address *network,
		    unsigned int index)
{
	sa_family_t family = network->family;
	int err;

	if (index >= RULE_INDEX_MAX)
		return -ENOSPC;
	err = rule_add(nl, link, family, PRIORITY_PASS + index, NULL, FR_ACT_TO_TBL,
		       RT_TABLE_LOCAL);
	if (!err)
		err = rule_add(nl, link, family, PRIORITY_PASS + index, network, FR_ACT_TO_TBL,
			       RT_TABLE_MAIN);
	if (!err)
		err = rule_add(nl, link, family, PRIORITY_DROP + index, NULL, FR_ACT_BLACKHOLE,
			       RT_TABLE_UNSPEC);
	return err;
}

/* Deletes what there is of ours at a priority, one rule a request. */
static int rule_delete_at(struct netlink *nl, sa_family_t family, uint32_t priority)
{
	int err;

	do {
		char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
		struct fib_rule_hdr *rule;

		err = netlink_talk(nl, rule_request(buf, RTM_DELRULE, 0, family, priority, &rule),
				   NULL, NULL);
	} while (!err);
	/* none is left; or this host has no IPv6, or no such rules at all */
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

int rule_delete_all(struct netlink *nl, unsigned int index)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	int err = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		/* First what drops: what passes is of no harm without it, but not the other way. */
		int failed = rule_delete_at(nl, families[i], PRIORITY_DROP + index);

		if (!failed)
			failed = rule_delete_at(nl, families[i], PRIORITY_PASS + index);
		err = err ? err : failed;
	}
	return err;
}
