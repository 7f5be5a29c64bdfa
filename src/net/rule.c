// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rule.c - requests about routing rules (man 8 ip-rule).
 */
#include "net/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum { RULE_PROTOCOL = 0x75 }; /* of our rules; nobody else has it in iproute2's rt_protos */

static void rule_read_address(const struct nlattr *attr, sa_family_t family, uint8_t prefix,
			      struct address *ret)
{
	*ret = (struct address){.family = family, .prefix = prefix};
	if (mnl_attr_get_payload_len(attr) == address_length(ret))
		memcpy(ret->bytes, mnl_attr_get_payload(attr), address_length(ret));
}

/* A rule while it is read. */
struct rule_reading {
	struct rule *rule;
	bool is_ours;
	bool is_local; /* `iif lo`: for what this host itself sends, as answers of a plain server */
	bool has_more; /* it asks for what we do not know */
};

static void rule_read(const struct nlattr *attr, const struct fib_rule_hdr *header,
		      struct rule_reading *reading)
{
	struct rule *rule = reading->rule;

	switch (mnl_attr_get_type(attr)) {
	case FRA_SRC:
		rule_read_address(attr, header->family, header->src_len, &rule->from);
		break;
	case FRA_DST:
		rule_read_address(attr, header->family, header->dst_len, &rule->to);
		break;
	case FRA_PRIORITY:
		rule->priority = mnl_attr_get_u32(attr);
		break;
	case FRA_TABLE:
		rule->table = mnl_attr_get_u32(attr);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		rule->suppressed = mnl_attr_get_u32(attr);
		break;
	case FRA_FWMARK:
		rule->mark = mnl_attr_get_u32(attr);
		break;
	case FRA_FWMASK:
		rule->mask = mnl_attr_get_u32(attr);
		break;
	case FRA_PROTOCOL:
		reading->is_ours = mnl_attr_get_u8(attr) == RULE_PROTOCOL;
		break;
	case FRA_IIFNAME:
		reading->is_local = strcmp(mnl_attr_get_str(attr), "lo") == 0;
		reading->has_more = reading->has_more || !reading->is_local;
		break;
	case FRA_PAD:
		break;
	default:
		reading->has_more = true;
	}
}

static bool rule_is_of_the_kernel(uint32_t table)
{
	return table == RT_TABLE_LOCAL || table == RT_TABLE_MAIN || table == RT_TABLE_DEFAULT;
}

static enum rule_kind rule_judge(const struct rule_reading *reading,
				 const struct fib_rule_hdr *header)
{
	const struct rule *rule = reading->rule;

	if (reading->is_ours)
		return RULE_OURS;
	if (header->action != FR_ACT_TO_TBL || (header->flags & FIB_RULE_INVERT) ||
	    reading->has_more || rule->mask)
		return RULE_OTHER;
	if (rule->from.family != AF_UNSPEC)
		return RULE_BY_SOURCE;
	if (rule->to.family == AF_UNSPEC && !rule->tos && !reading->is_local &&
	    rule->suppressed == UINT32_MAX && rule_is_of_the_kernel(rule->table))
		return RULE_STANDARD;
	return RULE_OTHER;
}

struct rule_listing {
	int (*cb)(const struct rule *rule, void *data);
	void *data;
};

static int rule_on_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct rule_listing *listing = data;
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(nlh);
	struct rule rule = {.family = header->family, .tos = header->tos, .suppressed = UINT32_MAX};
	struct rule_reading reading = {.rule = &rule};
	const struct nlattr *attr;
	int err;

	if (header->family != AF_INET && header->family != AF_INET6)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*header)) {
		rule_read(attr, header, &reading);
	}
	rule.kind = rule_judge(&reading, header);
	err = listing->cb(&rule, listing->data);
	errno = -err;
	return err < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int rule_list(struct netlink *nl, int (*cb)(const struct rule *rule, void *data), void *data)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETRULE, NLM_F_DUMP);
	struct rule_listing listing = {cb, data};
	int err;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct fib_rule_hdr));
	err = netlink_talk(nl, nlh, rule_on_rule, &listing);
	return err == -EOPNOTSUPP ? 0 : err; /* a kernel without rules */
}

/* A request about rules of ours, for @link or @to; either may be none: NULL, AF_UNSPEC. */
static struct nlmsghdr *rule_request(void *buf, uint16_t type, uint16_t flags, sa_family_t family,
				     const char *link, const struct address *to)
{
	struct nlmsghdr *nlh = netlink_request(buf, type, NLM_F_ACK | flags);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));

	header->family = (uint8_t)family;
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, RULE_PROTOCOL);
	if (link)
		mnl_attr_put_strz(nlh, FRA_IIFNAME, link);
	if (to->family != AF_UNSPEC) {
		header->dst_len = to->prefix;
		mnl_attr_put(nlh, FRA_DST, address_length(to), to->bytes);
	}
	return nlh;
}

int rule_add(struct netlink *nl, const struct rule *rule, const char *link)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = rule_request(buf, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL,
					    rule->family, link, &rule->to);
	struct fib_rule_hdr *header = mnl_nlmsg_get_payload(nlh);

	header->action = FR_ACT_TO_TBL;
	header->tos = rule->tos;
	mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	if (rule->mask) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, rule->mask);
	}
	if (rule->suppressed != UINT32_MAX)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, rule->suppressed);
	return netlink_talk(nl, nlh, NULL, NULL);
}

static int rule_delete(struct netlink *nl, sa_family_t family, const char *link,
		       const struct address *to)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	int err;

	do /* one request deletes one rule */
		err = netlink_talk(nl, rule_request(buf, RTM_DELRULE, 0, family, link, to), NULL,
				   NULL);
	while (!err);
	/* A kernel without rules, or without IPv6, has none of ours. */
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

int rule_delete_all(struct netlink *nl, const char *link, const struct address networks[2])
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	static const struct address any;
	int err = 0;

	for (size_t i = 0; !err && i < 2; i++) {
		err = rule_delete(nl, families[i], link, &any);
		if (!err && networks[i].family != AF_UNSPEC)
			err = rule_delete(nl, families[i], NULL, &networks[i]);
	}
	return err;
}
