// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subnet.c - reads all routes and addresses, then takes the first network that is free.
 */
#include "net/subnet.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
	PRIVATE_PREFIX_MIN = 8, /* 10.0.0.0/8, the largest of RFC 1918 */
	SUBNET_PREFIX_MAX = 24,
	SUBNET_RESERVED = 2, /* the network's own address and its broadcast address */
};

/* We try them in this order. The first is a part of 10.0.0.0/8 that few networks use. */
static const struct address RANGES[] = {
	{.family = AF_INET, .prefix = 16, .bytes = {10, 90}},
	{.family = AF_INET, .prefix = 8, .bytes = {10}},
	{.family = AF_INET, .prefix = 12, .bytes = {172, 16}},
	{.family = AF_INET, .prefix = 16, .bytes = {192, 168}},
};

static bool subnet_is_free(const struct address *taken, size_t count,
			   const struct address *candidate)
{
	for (size_t i = 0; i < count; i++)
		if (taken[i].prefix >= PRIVATE_PREFIX_MIN && address_overlaps(&taken[i], candidate))
			return false;
	return true;
}

bool subnet_pick(const struct address *taken, size_t count, unsigned int prefix,
		 struct address *ret)
{
	for (size_t i = 0; i < sizeof(RANGES) / sizeof(RANGES[0]); i++) {
		if (prefix < RANGES[i].prefix)
			continue;
		for (uint32_t n = 0; n < UINT32_C(1) << (prefix - RANGES[i].prefix); n++) {
			struct address candidate = address_nth(&RANGES[i], n << (32 - prefix));

			candidate.prefix = (uint8_t)prefix;
			if (!subnet_is_free(taken, count, &candidate))
				continue;
			*ret = candidate;
			return true;
		}
	}
	return false;
}

/* The networks in use, as the kernel listed them. */
struct subnet_survey {
	unsigned int prefix; /* of the network that is wanted */
	struct address *taken;
	size_t count;
};

static int subnet_survey_add(struct subnet_survey *survey, uint8_t prefix,
			     const struct nlattr *attr)
{
	struct address address = {.family = AF_INET, .prefix = prefix};
	struct address *grown;

	if (mnl_attr_get_payload_len(attr) != address_length(&address))
		return MNL_CB_OK;
	memcpy(address.bytes, mnl_attr_get_payload(attr), address_length(&address));
	grown = reallocarray(survey->taken, survey->count + 1, sizeof(*grown));
	if (!grown)
		return MNL_CB_ERROR;
	survey->taken = grown;
	survey->taken[survey->count++] = address;
	return MNL_CB_OK;
}

/*
 * Does the route only say that nothing is there? Our network, smaller, then wins over it. In
 * another table than main it could win over ours, whatever its size.
 */
static bool subnet_is_refusal(const struct rtmsg *route, unsigned int prefix)
{
	if (route->rtm_type != RTN_UNREACHABLE && route->rtm_type != RTN_BLACKHOLE &&
	    route->rtm_type != RTN_PROHIBIT)
		return false;
	return route->rtm_table == RT_TABLE_MAIN && route->rtm_dst_len < prefix;
}

static int subnet_on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
	struct subnet_survey *survey = data;
	const struct nlattr *attr;

	if (subnet_is_refusal(route, survey->prefix))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*route))
		if (mnl_attr_get_type(attr) == RTA_DST)
			return subnet_survey_add(survey, route->rtm_dst_len, attr);
	return MNL_CB_OK;
}

static int subnet_on_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*message))
		if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			return subnet_survey_add(data, message->ifa_prefixlen, attr);
	return MNL_CB_OK;
}

static int subnet_survey(struct netlink *nl, struct subnet_survey *survey)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(nlh, sizeof(*route));
	struct ifaddrmsg *address;
	int err;

	route->rtm_family = AF_INET;
	err = netlink_talk(nl, nlh, subnet_on_route, survey);
	if (err)
		return err;
	/* A link that is down has addresses, but their networks have no routes yet. */
	nlh = netlink_request(buf, RTM_GETADDR, NLM_F_DUMP);
	address = mnl_nlmsg_put_extra_header(nlh, sizeof(*address));
	address->ifa_family = AF_INET;
	return netlink_talk(nl, nlh, subnet_on_address, survey);
}

int subnet_choose(struct netlink *nl, size_t hosts, struct address *ret)
{
	struct subnet_survey survey = {.prefix = SUBNET_PREFIX_MAX};
	bool found;
	int err;

	while (hosts + SUBNET_RESERVED > (size_t)1 << (32 - survey.prefix))
		survey.prefix--;
	err = subnet_survey(nl, &survey);
	found = !err && subnet_pick(survey.taken, survey.count, survey.prefix, ret);
	free(survey.taken);
	if (err)
		return netlink_report(nl, err, "cannot read the routes of this host");
	if (!found)
		return error_say(-EADDRNOTAVAIL,
				 "no private network is free: routes of this host cover all of "
				 "10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16; see `ip route "
				 "show table all`");
	return 0;
}
