// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * neighbour.c - requests of rtnetlink about neighbours (man 7 rtnetlink, man 8 bridge).
 */
#include "net/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

static struct nlmsghdr *neighbour_request(void *buf, uint16_t type, uint16_t flags,
					  unsigned int ifindex, struct ndmsg **ret_message)
{
	struct nlmsghdr *nlh = netlink_request(buf, type, NLM_F_ACK | flags);

	*ret_message = mnl_nlmsg_put_extra_header(nlh, sizeof(**ret_message));
	(*ret_message)->ndm_ifindex = (int)ifindex;
	return nlh;
}

int neighbour_add(struct netlink *nl, unsigned int ifindex, const struct address *address,
		  const struct mac *mac)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct ndmsg *message;
	struct nlmsghdr *nlh = neighbour_request(buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
						 ifindex, &message);

	message->ndm_family = (uint8_t)address->family;
	message->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_DST, address_length(address), address->bytes);
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(mac->octet), mac->octet);
	return netlink_talk(nl, nlh, NULL, NULL);
}

int neighbour_delete(struct netlink *nl, unsigned int ifindex, const struct address *address)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct ndmsg *message;
	struct nlmsghdr *nlh = neighbour_request(buf, RTM_DELNEIGH, 0, ifindex, &message);
	int err;

	message->ndm_family = (uint8_t)address->family;
	mnl_attr_put(nlh, NDA_DST, address_length(address), address->bytes);
	err = netlink_talk(nl, nlh, NULL, NULL);
	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

int neighbour_add_port(struct netlink *nl, unsigned int ifindex, const struct mac *mac)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct ndmsg *message;
	struct nlmsghdr *nlh = neighbour_request(buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
						 ifindex, &message);

	message->ndm_family = AF_BRIDGE;
	message->ndm_state = NUD_NOARP; /* static; NUD_PERMANENT would mean the bridge itself */
	message->ndm_flags = NTF_MASTER;
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(mac->octet), mac->octet);
	return netlink_talk(nl, nlh, NULL, NULL);
}
