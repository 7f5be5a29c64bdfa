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
	/* after 0, the kernel's lookup in the table local, and before what others probably use */
	PRIORITY_PASS = 10,
	PRIORITY_DROP = PRIORITY_PASS + RULE_INDEX_MAX,
	/* says who made a rule: not the kernel (2), iproute2 (3) or a routing daemon */
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
	if (err)
		return err;
	err = rule_add(nl, link, family, PRIORITY_PASS + index, network, FR_ACT_TO_TBL,
		       RT_TABLE_MAIN);
	if (err)
		return err;
	return rule_add(nl, link, family, PRIORITY_DROP + index, NULL, FR_ACT_BLACKHOLE,
			RT_TABLE_UNSPEC);
}

/* Deletes all our rules at a priority: a request deletes one, so ask until none is left. */
static int rule_delete_at(struct netlink *nl, sa_family_t family, uint32_t priority)
{
	int err;

	do {
		char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
		struct fib_rule_hdr *rule;

		err = netlink_talk(nl, rule_request(buf, RTM_DELRULE, 0, family, priority, &rule),
				   NULL, NULL);
	} while (!err);
	/* ENOENT: none is left. The others: this host has no IPv6, or no routing rules at all. */
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int rule_delete_family(struct netlink *nl, sa_family_t family, unsigned int index)
{
	/* First the blackhole: without the other two rules it would drop all packets. */
	int err = rule_delete_at(nl, family, PRIORITY_DROP + index);

	if (err)
		return err;
	return rule_delete_at(nl, family, PRIORITY_PASS + index);
}

int rule_delete_all(struct netlink *nl, unsigned int index)
{
	int err4 = rule_delete_family(nl, AF_INET, index);
	int err6 = rule_delete_family(nl, AF_INET6, index);

	return err4 ? err4 : err6;
}
