// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link.c - requests of rtnetlink (man 7 rtnetlink), one function each.
 */
#include "net/link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>

/* A request about a link: by index, or by name where @ifindex is 0. */
static struct nlmsghdr *link_request(void *buf, uint16_t type, uint16_t flags, unsigned int ifindex)
{
	struct nlmsghdr *nlh = netlink_request(buf, type, NLM_F_ACK | flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	return nlh;
}

/*
 * All links of a run are in one link group, so that one request can delete them all. The kernel
 * then waits for RCU once, instead of several times for each link. The group's number follows from
 * the MAC address; group 0 is the default group of all links.
 */
static uint32_t link_group(const struct mac *mac)
{
	const uint8_t *o = mac->octet;

	return LINK_GROUP_OURS | (o[2] & 0x3fU) << 24 | (uint32_t)o[3] << 16 | (uint32_t)o[4] << 8 |
	       o[5];
}

int link_create_bridge(struct netlink *nl, const char *name, const struct mac *mac,
		       unsigned int mtu)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *linkinfo, *data;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(mac->octet), mac->octet);
	mnl_attr_put_u32(nlh, IFLA_GROUP, link_group(mac));
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u8(nlh, IFLA_BR_MCAST_SNOOPING, 0);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, linkinfo);
	return netlink_talk(nl, nlh, NULL, NULL);
}

/*
 * One queue, as a veth has without being asked; but then the kernel first makes one for each CPU,
 * and waits for RCU, with the lock that all links share, when it takes them away again
 * (veth_init_queues()).
 */
static void link_put_one_queue(struct nlmsghdr *nlh)
{
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
}

int link_create_veth(struct netlink *nl, const struct veth_spec *spec)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *linkinfo, *data, *peer;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, spec->name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(spec->mac.octet), spec->mac.octet);
	mnl_attr_put_u32(nlh, IFLA_GROUP, link_group(&spec->mac));
	mnl_attr_put_u32(nlh, IFLA_MASTER, spec->bridge);
	mnl_attr_put_u32(nlh, IFLA_MTU, spec->mtu);
	link_put_one_queue(nlh);
	linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, spec->peer_name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(spec->peer_mac.octet), spec->peer_mac.octet);
	mnl_attr_put_u32(nlh, IFLA_MTU, spec->mtu);
	link_put_one_queue(nlh);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_PID, (uint32_t)spec->peer_pid);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, linkinfo);
	return netlink_talk(nl, nlh, NULL, NULL);
}

int link_filter_bridge(struct netlink *nl, unsigned int ifindex)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, 0, ifindex);
	struct nlattr *linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u8(nlh, IFLA_BR_NF_CALL_IPTABLES, 1);
	mnl_attr_put_u8(nlh, IFLA_BR_NF_CALL_IP6TABLES, 1);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, linkinfo);
	return netlink_talk(nl, nlh, NULL, NULL);
}

static struct nlmsghdr *link_set_up_request(void *buf, unsigned int ifindex)
{
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, 0, ifindex);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);

	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	return nlh;
}

int link_set_up_port(struct netlink *nl, unsigned int ifindex, enum link_port_mode mode)
{
	static const uint16_t off[] = {IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD,
				       IFLA_BRPORT_MCAST_FLOOD, IFLA_BRPORT_BCAST_FLOOD};
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_set_up_request(buf, ifindex);
	struct nlattr *linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	struct nlattr *port;

	mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, "bridge");
	port = mnl_attr_nest_start(nlh, IFLA_INFO_SLAVE_DATA);
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		mnl_attr_put_u8(nlh, off[i], 0);
	mnl_attr_put_u8(nlh, mode == LINK_PORT_HAIRPIN ? IFLA_BRPORT_MODE : IFLA_BRPORT_ISOLATED,
			1);
	mnl_attr_nest_end(nlh, port);
	mnl_attr_nest_end(nlh, linkinfo);
	return netlink_talk(nl, nlh, NULL, NULL);
}

/* What a link tells of itself. */
struct link_status {
	bool has_queue;
	uint8_t port_state; /* BR_STATE_* */
};

static void link_read_port(const struct nlattr *info, struct link_status *status)
{
	const struct nlattr *part, *port;

	mnl_attr_for_each_nested(part, info) {
		if (mnl_attr_get_type(part) != IFLA_INFO_SLAVE_DATA)
			continue;
		mnl_attr_for_each_nested(port, part)
			if (mnl_attr_get_type(port) == IFLA_BRPORT_STATE)
				status->port_state = mnl_attr_get_u8(port);
	}
}

static int link_on_status(const struct nlmsghdr *nlh, void *data)
{
	struct link_status *status = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) == IFLA_QDISC)
			status->has_queue = strcmp(mnl_attr_get_str(attr), "noop") != 0;
		else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			link_read_port(attr, status);
	}
	return MNL_CB_OK;
}

static int link_read_status(struct netlink *nl, unsigned int ifindex, struct link_status *ret)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	*ret = (struct link_status){.port_state = BR_STATE_DISABLED};
	return netlink_talk(nl, link_request(buf, RTM_GETLINK, 0, ifindex), link_on_status, ret);
}

int link_is_active(struct netlink *nl, unsigned int ifindex)
{
	struct link_status status;
	int err = link_read_status(nl, ifindex, &status);

	return err ? err : status.has_queue;
}

int link_is_forwarding(struct netlink *nl, unsigned int ifindex)
{
	struct link_status status;
	int err = link_read_status(nl, ifindex, &status);

	return err ? err : status.has_queue && status.port_state == BR_STATE_FORWARDING;
}

int link_disable_autoconf6(struct netlink *nl, unsigned int ifindex)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, 0, ifindex);
	struct nlattr *families = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *ipv6 = mnl_attr_nest_start(nlh, AF_INET6);
	int err;

	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, ipv6);
	mnl_attr_nest_end(nlh, families);
	err = netlink_talk(nl, nlh, NULL, NULL);
	return err == -EAFNOSUPPORT ? 0 : err;
}

int link_set_up(struct netlink *nl, unsigned int ifindex)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	return netlink_talk(nl, link_set_up_request(buf, ifindex), NULL, NULL);
}

int link_add_address(struct netlink *nl, unsigned int ifindex, const struct address *address,
		     bool preferred)
{
	static const struct ifa_cacheinfo deprecated = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh =
		netlink_request(buf, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));

	message->ifa_family = (uint8_t)address->family;
	message->ifa_prefixlen = address->prefix;
	message->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
	message->ifa_scope = RT_SCOPE_UNIVERSE;
	message->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, address_length(address), address->bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, address_length(address), address->bytes);
	if (!preferred)
		mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(deprecated), &deprecated);
	return netlink_talk(nl, nlh, NULL, NULL);
}

/* The links found to carry a MAC address. */
struct link_matches {
	struct mac mac;
	unsigned int *ifindex;
	size_t count;
	bool group_is_shared; /* a link that is not ours is in the group too */
};

static int link_matches_add(struct link_matches *matches, int ifindex)
{
	unsigned int *grown = reallocarray(matches->ifindex, matches->count + 1, sizeof(*grown));

	if (!grown)
		return MNL_CB_ERROR;
	matches->ifindex = grown;
	matches->ifindex[matches->count++] = (unsigned int)ifindex;
	return MNL_CB_OK;
}

static int link_collect(const struct nlmsghdr *nlh, void *data)
{
	struct link_matches *matches = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	bool has_mac = false, has_group = false;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFLA_ADDRESS)
			has_mac = mnl_attr_get_payload_len(attr) == sizeof(matches->mac) &&
				  memcmp(mnl_attr_get_payload(attr), &matches->mac,
					 sizeof(matches->mac)) == 0;
		else if (type == IFLA_GROUP)
			has_group = mnl_attr_get_u32(attr) == link_group(&matches->mac);
	}
	if (has_mac)
		return link_matches_add(matches, info->ifi_index);
	matches->group_is_shared = matches->group_is_shared || has_group;
	return MNL_CB_OK;
}

static int link_find_all(struct netlink *nl, struct link_matches *matches)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	return netlink_talk(nl, link_request(buf, RTM_GETLINK, NLM_F_DUMP, 0), link_collect,
			    matches);
}

static int link_on_found(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);

	*(unsigned int *)data = (unsigned int)info->ifi_index;
	return MNL_CB_OK;
}

int link_find(struct netlink *nl, const char *name, unsigned int *ret)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_GETLINK, 0, 0);

	*ret = 0;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return netlink_talk(nl, nlh, link_on_found, ret);
}

int link_check(struct netlink *nl, unsigned int ifindex)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	return netlink_talk(nl, link_request(buf, RTM_GETLINK, 0, ifindex), NULL, NULL);
}

struct link_families {
	sa_family_t wanted;
	bool is_there;
};

static int link_on_families(const struct nlmsghdr *nlh, void *data)
{
	struct link_families *families = data;
	const struct nlattr *attr, *family;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) != IFLA_AF_SPEC)
			continue;
		mnl_attr_for_each_nested(family, attr)
			if (mnl_attr_get_type(family) == families->wanted)
				families->is_there = true;
	}
	return MNL_CB_OK;
}

int link_has_family(struct netlink *nl, unsigned int ifindex, sa_family_t family)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct link_families families = {.wanted = family};
	int err = netlink_talk(nl, link_request(buf, RTM_GETLINK, 0, ifindex), link_on_families,
			       &families);

	return err ? err : families.is_there;
}

int link_delete(struct netlink *nl, unsigned int ifindex)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	int err = netlink_talk(nl, link_request(buf, RTM_DELLINK, 0, ifindex), NULL, NULL);

	return err == -ENODEV ? 0 : err; /* -ENODEV: it may have gone with its peer's namespace */
}

static int link_delete_group(struct netlink *nl, const struct mac *mac)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = link_request(buf, RTM_DELLINK, 0, 0);

	mnl_attr_put_u32(nlh, IFLA_GROUP, link_group(mac));
	return netlink_talk(nl, nlh, NULL, NULL);
}

int link_delete_all(struct netlink *nl, const struct mac *mac)
{
	struct link_matches all = {.mac = *mac}, rest = {.mac = *mac};
	int err = link_find_all(nl, &all);

	if (!err && all.count > 0 && !all.group_is_shared)
		link_delete_group(nl, mac); /* what it could not delete is found below */
	free(all.ifindex);
	if (err || all.count == 0)
		return err;
	err = link_find_all(nl, &rest);
	for (size_t i = 0; i < rest.count; i++) {
		int failed = link_delete(nl, rest.ifindex[i]);

		err = err ? err : failed;
	}
	free(rest.ifindex);
	return err;
}
