// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link_route.c - requests of rtnetlink (man 7 rtnetlink).
 */
#include "net/link_route.h"

#include <linux/rtnetlink.h>

static struct rtmsg *link_route_request(void *buf, struct nlmsghdr **ret_request)
{
	*ret_request = netlink_request(buf, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	return mnl_nlmsg_put_extra_header(*ret_request, sizeof(struct rtmsg));
}

enum { LINK_SHORT_RTO_MS = 5 };

/* The kernel heeds the shortest time only where it is locked: tcp_rto_min(), net/ipv4/tcp.c. */
static void link_put_short_way(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, RTAX_LOCK, 1U << RTAX_RTO_MIN);
	mnl_attr_put_u32(nlh, RTAX_RTO_MIN, LINK_SHORT_RTO_MS);
	mnl_attr_put_strz(nlh, RTAX_CC_ALGO, "reno");
}

static void link_put_metrics(struct nlmsghdr *nlh, const struct link_route_spec *spec)
{
	struct nlattr *metrics = mnl_attr_nest_start(nlh, RTA_METRICS);

	if (spec->mtu)
		mnl_attr_put_u32(nlh, RTAX_MTU, spec->mtu);
	if (spec->is_short)
		link_put_short_way(nlh);
	mnl_attr_nest_end(nlh, metrics);
}

int link_add_route(struct netlink *nl, unsigned int ifindex, const struct link_route_spec *spec)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct address *gateway = &spec->gateway;
	struct nlmsghdr *nlh;
	struct rtmsg *route = link_route_request(buf, &nlh);

	route->rtm_family = (uint8_t)gateway->family;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_scope = RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	route->rtm_flags = RTNH_F_ONLINK; /* the gateway lies outside of the link's own prefix */
	if (spec->to.family != AF_UNSPEC) {
		route->rtm_dst_len = spec->to.prefix;
		mnl_attr_put(nlh, RTA_DST, address_length(&spec->to), spec->to.bytes);
	}
	mnl_attr_put(nlh, RTA_GATEWAY, address_length(gateway), gateway->bytes);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	link_put_metrics(nlh, spec);
	return netlink_talk(nl, nlh, NULL, NULL);
}

int link_add_local_route(struct netlink *nl, unsigned int ifindex, const struct address *to,
			 uint32_t metric)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh;
	struct rtmsg *route = link_route_request(buf, &nlh);

	route->rtm_family = (uint8_t)to->family;
	route->rtm_dst_len = to->prefix;
	route->rtm_table = RT_TABLE_LOCAL;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_scope = RT_SCOPE_HOST;
	route->rtm_type = RTN_LOCAL;
	mnl_attr_put(nlh, RTA_DST, address_length(to), to->bytes);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	if (metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, metric);
	return netlink_talk(nl, nlh, NULL, NULL);
}
