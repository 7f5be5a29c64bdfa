// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * route.c - asks the kernel, over rtnetlink.
 */
#include "net/route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

static int route_on_answer(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);

	*(uint8_t *)data = route->rtm_type;
	return MNL_CB_OK;
}

/* Return: RTN_* of the route to @to; RTN_UNSPEC: there is none. */
static uint8_t route_type(struct netlink *nl, const struct address *to)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(nlh, sizeof(*route));
	uint8_t type = RTN_UNSPEC;

	route->rtm_family = (uint8_t)to->family;
	route->rtm_dst_len = (uint8_t)(8 * address_length(to));
	mnl_attr_put(nlh, RTA_DST, address_length(to), to->bytes);
	return netlink_talk(nl, nlh, route_on_answer, &type) == 0 ? type : RTN_UNSPEC;
}

bool route_exists(struct netlink *nl, const struct address *to)
{
	uint8_t type = route_type(nl, to);

	return type == RTN_UNICAST || type == RTN_LOCAL;
}

bool route_is_local(struct netlink *nl, const struct address *to)
{
	return route_type(nl, to) == RTN_LOCAL;
}

struct route_listing {
	int (*cb)(const struct route_local *local, void *data);
	void *data;
};

static int route_on_local(const struct nlmsghdr *nlh, void *data)
{
	const struct route_listing *listing = data;
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(nlh);
	struct route_local local = {
		.ifindex = message->ifa_index,
		.address = {.family = message->ifa_family, .prefix = message->ifa_prefixlen},
		.link_scope = message->ifa_scope >= RT_SCOPE_LINK,
	};
	const struct nlattr *attr;
	bool has_local = false;
	int err;

	mnl_attr_for_each(attr, nlh, sizeof(*message)) {
		uint16_t type = mnl_attr_get_type(attr);

		/* On a point-to-point link, IFA_LOCAL is this end and IFA_ADDRESS the other. */
		if (type != IFA_LOCAL && (type != IFA_ADDRESS || has_local))
			continue;
		has_local = type == IFA_LOCAL;
		if (mnl_attr_get_payload_len(attr) == address_length(&local.address))
			memcpy(local.address.bytes, mnl_attr_get_payload(attr),
			       address_length(&local.address));
	}
	err = listing->cb(&local, listing->data);
	errno = -err;
	return err < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int route_list_locals(struct netlink *nl, int (*cb)(const struct route_local *local, void *data),
		      void *data)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));
	struct route_listing listing = {cb, data};

	message->ifa_family = AF_UNSPEC;
	return netlink_talk(nl, nlh, route_on_local, &listing);
}

struct route_link_listing {
	int (*cb)(sa_family_t family, unsigned int ifindex, void *data);
	void *data;
};

static bool route_is_everywhere(const struct nlattr *to)
{
	const uint8_t *bytes = mnl_attr_get_payload(to);

	return bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

/* A route of several next hops has them as struct rtnexthop, one after the other. */
static int route_on_hops(const struct route_link_listing *listing, sa_family_t family,
			 const struct nlattr *hops)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(hops);
	int rest = mnl_attr_get_payload_len(hops);
	int err = 0;

	for (; !err && RTNH_OK(hop, rest); hop = RTNH_NEXT(hop)) {
		err = listing->cb(family, (unsigned int)hop->rtnh_ifindex, listing->data);
		rest -= RTNH_ALIGN(hop->rtnh_len);
	}
	return err;
}

static int route_on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
	const struct route_link_listing *listing = data;
	const struct nlattr *attr, *hops = NULL;
	unsigned int link = 0;
	int err = 0;

	if (route->rtm_type != RTN_UNICAST ||
	    (route->rtm_family != AF_INET && route->rtm_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*route)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_DST && route->rtm_family == AF_INET6 && route_is_everywhere(attr))
			return MNL_CB_OK;
		if (type == RTA_OIF)
			link = mnl_attr_get_u32(attr);
		else if (type == RTA_MULTIPATH)
			hops = attr;
	}
	if (link)
		err = listing->cb(route->rtm_family, link, listing->data);
	if (!err && hops)
		err = route_on_hops(listing, route->rtm_family, hops);
	errno = -err;
	return err < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int route_list_links(struct netlink *nl,
		     int (*cb)(sa_family_t family, unsigned int ifindex, void *data), void *data)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(nlh, sizeof(*route));
	struct route_link_listing listing = {cb, data};

	route->rtm_family = AF_UNSPEC;
	return netlink_talk(nl, nlh, route_on_route, &listing);
}
