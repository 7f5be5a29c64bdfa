// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * counters.c - two dumps: of rules, and of links with their statistics.
 */
#include "net/counters.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct counters_rules {
	void (*on_one)(void *data, const char *chain, uint64_t packets);
	void *data;
};

static int counters_on_expression(struct nftnl_expr *expr, void *data)
{
	uint64_t *packets = data;

	if (strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), "counter") == 0)
		*packets = nftnl_expr_get_u64(expr, NFTNL_EXPR_CTR_PACKETS);
	return 0;
}

static int counters_on_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct counters_rules *rules = data;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	uint64_t packets = UINT64_MAX;

	if (!rule)
		return MNL_CB_ERROR;
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0 && nftnl_rule_is_set(rule, NFTNL_RULE_CHAIN)) {
		nftnl_expr_foreach(rule, counters_on_expression, &packets);
		if (packets != UINT64_MAX)
			rules->on_one(rules->data, nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN),
				      packets);
	}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

int counters_read_rules(struct netlink *nl, const char *table,
			void (*on_one)(void *data, const char *chain, uint64_t packets), void *data)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct counters_rules rules = {on_one, data};
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, 0);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, table);
	return netlink_talk(nl, nlh, counters_on_rule, &rules);
}

struct counters_links {
	void (*on_one)(void *data, const char *link, uint64_t received, uint64_t sent);
	void *data;
};

struct counters_link {
	const char *name;
	struct rtnl_link_stats64 stats;
	bool has_stats;
};

static int counters_on_attribute(const struct nlattr *attr, void *data)
{
	struct counters_link *link = data;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME && mnl_attr_validate(attr, MNL_TYPE_STRING) >= 0)
		link->name = mnl_attr_get_str(attr);
	if (mnl_attr_get_type(attr) == IFLA_STATS64) {
		size_t length = mnl_attr_get_payload_len(attr);

		/* Newer kernels append to it; older ones have less. */
		memcpy(&link->stats, mnl_attr_get_payload(attr),
		       length < sizeof(link->stats) ? length : sizeof(link->stats));
		link->has_stats = true;
	}
	return MNL_CB_OK;
}

static int counters_on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct counters_links *links = data;
	struct counters_link link = {0};

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg))
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(struct ifinfomsg), counters_on_attribute, &link);
	if (link.name && link.has_stats)
		links->on_one(links->data, link.name, link.stats.rx_bytes, link.stats.tx_bytes);
	return MNL_CB_OK;
}

int counters_read_links(struct netlink *nl, unsigned int bridge,
			void (*on_one)(void *data, const char *link, uint64_t received,
				       uint64_t sent),
			void *data)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct counters_links links = {on_one, data};
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, IFLA_MASTER, bridge); /* the kernel then leaves out all others */
	return netlink_talk(nl, nlh, counters_on_link, &links);
}
