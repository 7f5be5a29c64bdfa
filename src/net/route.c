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
	bool *usable = data;

	*usable = route->rtm_type == RTN_UNICAST || route->rtm_type == RTN_LOCAL;
	return MNL_CB_OK;
}

bool route_exists(struct netlink *nl, const struct address *to)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(nlh, sizeof(*route));
	bool usable = false;

	route->rtm_family = (uint8_t)to->family;
	route->rtm_dst_len = (uint8_t)(8 * address_length(to));
	mnl_attr_put(nlh, RTA_DST, address_length(to), to->bytes);
	return netlink_talk(nl, nlh, route_on_answer, &usable) == 0 && usable;
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
	int err;

	mnl_attr_for_each(attr, nlh, sizeof(*message)) {
		uint16_t type = mnl_attr_get_type(attr);

		/* On a point-to-point link, IFA_LOCAL is this end and IFA_ADDRESS the other. */
		if (type != IFA_ADDRESS && type != IFA_LOCAL)
			continue;
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
