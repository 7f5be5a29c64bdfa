// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * watch.c - rtnetlink's multicast groups.
 */
#include "net/watch.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { WATCH_MESSAGE_MAX = 16384 };

int watch_open(struct netlink *nl)
{
	return netlink_listen(nl, NETLINK_ROUTE,
			      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

static bool watch_parse(const struct nlmsghdr *nlh, struct watch_event *ret)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(nlh);

	/* AF_BRIDGE: a port has left its bridge, the link lives on. */
	if (nlh->nlmsg_type == RTM_DELLINK && link->ifi_family == AF_UNSPEC) {
		ret->kind = WATCH_LINK_GONE;
		ret->ifindex = (unsigned int)link->ifi_index;
		return true;
	}
	if (nlh->nlmsg_type == RTM_NEWADDR) {
		ret->kind = WATCH_ADDRESS_NEW;
		ret->ifindex = address->ifa_index;
		return true;
	}
	return false;
}

bool watch_next(struct netlink *nl, struct watch_event *ret)
{
	char buf[WATCH_MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	/* The kernel puts one piece of news in a message; most are none of our kinds. */
	for (;;) {
		ssize_t n = recv(netlink_fd(nl), buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			*ret = (struct watch_event){.kind = WATCH_LOST};
			return true;
		}
		if (n <= 0)
			return false;
		if (mnl_nlmsg_ok((const struct nlmsghdr *)buf, (int)n) &&
		    watch_parse((const struct nlmsghdr *)buf, ret))
			return true;
	}
}
