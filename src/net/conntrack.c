// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conntrack.c - reads the table of connections (ctnetlink) and deletes ours.
 *
 * The kernel can filter by single addresses or by mark, but not by network, and a mark would meddle
 * with other people's rules: so we look at all entries, once, and pick.
 */
#include "net/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

/* One entry's identity: enough for deleting this one, and not a later one with the same tuple. */
struct conntrack_entry {
	uint16_t tuple_length;
	uint8_t tuple[128]; /* the payload of CTA_TUPLE_ORIG: at most 100 bytes (IPv6, ICMPv6) */
	uint32_t id;
	uint16_t zone;
	sa_family_t family;
};

struct conntrack_matches {
	const struct address *networks;
	size_t network_count;
	struct conntrack_entry *entries;
	size_t count, size;
};

static bool conntrack_is_ours(const struct conntrack_matches *matches, const struct nlattr *ip)
{
	struct address address = {.family = mnl_attr_get_payload_len(ip) == sizeof(struct in6_addr)
						    ? AF_INET6
						    : AF_INET};

	if (mnl_attr_get_payload_len(ip) != address_length(&address))
		return false;
	memcpy(address.bytes, mnl_attr_get_payload(ip), address_length(&address));
	address.prefix = (uint8_t)(8 * address_length(&address));
	for (size_t i = 0; i < matches->network_count; i++)
		if (address_overlaps(&address, &matches->networks[i]))
			return true;
	return false;
}

static bool conntrack_tuple_matches(const struct conntrack_matches *matches,
				    const struct nlattr *tuple)
{
	const struct nlattr *part, *ip;

	mnl_attr_for_each_nested(part, tuple) {
		if (mnl_attr_get_type(part) != CTA_TUPLE_IP)
			continue;
		mnl_attr_for_each_nested(ip, part)
			if (conntrack_is_ours(matches, ip))
				return true;
	}
	return false;
}

static bool conntrack_entry_read(struct conntrack_entry *entry, const struct nlmsghdr *nlh,
				 const struct conntrack_matches *all)
{
	const struct nfgenmsg *message = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool matches = false;

	entry->family = message->nfgen_family;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		uint16_t length = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			if (length > sizeof(entry->tuple))
				return false;
			memcpy(entry->tuple, mnl_attr_get_payload(attr), length);
			entry->tuple_length = length;
			matches = matches || conntrack_tuple_matches(all, attr);
			break;
		case CTA_TUPLE_REPLY:
			matches = matches || conntrack_tuple_matches(all, attr);
			break;
		case CTA_ID:
			entry->id = mnl_attr_get_u32(attr);
			break;
		case CTA_ZONE:
			entry->zone = mnl_attr_get_u16(attr);
			break;
		}
	}
	return matches;
}

static int conntrack_on_entry(const struct nlmsghdr *nlh, void *data)
{
	struct conntrack_matches *matches = data;
	struct conntrack_entry entry = {0};

	if (!conntrack_entry_read(&entry, nlh, matches))
		return MNL_CB_OK;
	if (matches->count == matches->size) {
		size_t size = 2 * matches->size + 64;
		struct conntrack_entry *grown =
			reallocarray(matches->entries, size, sizeof(*grown));

		if (!grown)
			return MNL_CB_ERROR;
		matches->entries = grown;
		matches->size = size;
	}
	matches->entries[matches->count++] = entry;
	return MNL_CB_OK;
}

static struct nlmsghdr *conntrack_request(void *buf, uint8_t type, uint16_t flags,
					  sa_family_t family)
{
	struct nlmsghdr *nlh =
		netlink_request(buf, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags);
	struct nfgenmsg *message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));

	message->nfgen_family = (uint8_t)family;
	message->version = NFNETLINK_V0;
	return nlh;
}

static int conntrack_delete(struct netlink *nl, const struct conntrack_entry *entry)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh =
		conntrack_request(buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, entry->family);

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, entry->tuple_length, entry->tuple);
	mnl_attr_put_u32(nlh, CTA_ID, entry->id);
	if (entry->zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, entry->zone);
	return netlink_talk(nl, nlh, NULL, NULL);
}

int conntrack_forget(struct netlink *nl, const struct address *networks, size_t count)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct conntrack_matches matches = {.networks = networks, .network_count = count};
	struct nlmsghdr *nlh = conntrack_request(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	int err = netlink_talk(nl, nlh, conntrack_on_entry, &matches);

	for (size_t i = 0; i < matches.count; i++) {
		int failed = conntrack_delete(nl, &matches.entries[i]);

		if (failed && failed != -ENOENT && !err) /* it may have expired meanwhile */
			err = failed;
	}
	free(matches.entries);
	return err;
}
