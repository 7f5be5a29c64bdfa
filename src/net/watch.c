// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * watch.c - rtnetlink's multicast groups.
 */
#include "net/watch.h"

#include <errno.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { WATCH_MESSAGE_MAX = 16384 };

#define WATCH_GROUP(group) (1U << ((group)-1))

int watch_open(struct netlink *nl)
{
	return netlink_listen(
		nl, NETLINK_ROUTE,
		RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | WATCH_GROUP(RTNLGRP_IPV6_RULE) |
			WATCH_GROUP(RTNLGRP_IPV4_NETCONF) | WATCH_GROUP(RTNLGRP_IPV6_NETCONF));
}

static bool watch_parse_netconf(const struct nlmsghdr *nlh, struct watch_event *ret)
{
	const struct netconfmsg *message = mnl_nlmsg_get_payload(nlh);
	bool is_forwarding = false, is_all = false;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*message)) {
		if (mnl_attr_get_type(attr) == NETCONFA_IFINDEX)
			is_all = (int)mnl_attr_get_u32(attr) == NETCONFA_IFINDEX_ALL;
		else if (mnl_attr_get_type(attr) == NETCONFA_FORWARDING)
			is_forwarding = true;
	}
	ret->kind = WATCH_FORWARDING;
	ret->family = message->ncm_family;
	return is_all && is_forwarding;
}

static bool watch_parse(const struct nlmsghdr *nlh, struct watch_event *ret)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

	*ret = (struct watch_event){.kind = WATCH_CHANGE};
	switch (nlh->nlmsg_type) {
	case RTM_DELLINK:
		ret->kind = WATCH_LINK_GONE;
		ret->ifindex = (unsigned int)link->ifi_index;
		/* AF_BRIDGE: a port has left its bridge, but the link still exists. */
		return link->ifi_family == AF_UNSPEC;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return true;
	case RTM_NEWNETCONF:
		return watch_parse_netconf(nlh, ret);
	default:
		return false;
	}
}

/*
 * When the socket is full, the kernel says so once. It then drops all news, without a word, until
 * the last piece has been read (NETLINK_S_CONGESTED, net/netlink/af_netlink.c). So what is looked
 * at anew has to be looked at after that.
 */
static void watch_drain(struct netlink *nl)
{
	char piece;

	while (recv(netlink_fd(nl), &piece, sizeof(piece), 0) > 0 || errno == EINTR ||
	       errno == ENOBUFS)
		;
}

bool watch_next(struct netlink *nl, struct watch_event *ret)
{
	char buf[WATCH_MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	/* The kernel sends one piece of news in a message. Most of them are not of our kinds. */
	for (;;) {
		ssize_t n = recv(netlink_fd(nl), buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			watch_drain(nl);
			*ret = (struct watch_event){.kind = WATCH_LOST};
			return true;
		}
		if (n <= 0)
			return false;
		if (netlink_is_whole((const struct nlmsghdr *)buf, (int)n) &&
		    watch_parse((const struct nlmsghdr *)buf, ret))
			return true;
	}
}
