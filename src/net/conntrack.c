// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conntrack.c - reads the table of connections (ctnetlink) and deletes ours.
 *
 * The kernel can filter by single addresses or by mark, but not by network. A mark would interfere
 * with the rules of other programs. So we read all entries, once, and pick ours.
 */
#include "net/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysctl.h"

/* What identifies an entry: enough to delete this one, and not a later one with the same tuple. */
struct conntrack_entry {
	uint16_t tuple_length;
	uint8_t tuple[128]; /* the payload of CTA_TUPLE_ORIG: at most 100 bytes (IPv6, ICMPv6) */
	uint32_t id;
	uint16_t zone;
	sa_family_t family;
};

struct conntrack_search {
	bool (*is_wanted)(const struct address *address, void *data);
	void *data;
	struct conntrack_list *list;
};

static bool conntrack_address_matches(const struct conntrack_search *search,
				      const struct nlattr *ip)
{
	uint16_t length = mnl_attr_get_payload_len(ip);
	struct address address = {
		.family = length == sizeof(struct in6_addr) ? AF_INET6 : AF_INET,
		.prefix = (uint8_t)(8 * length),
	};

	if (length != address_length(&address))
		return false;
	memcpy(address.bytes, mnl_attr_get_payload(ip), length);
	return search->is_wanted(&address, search->data);
}

static bool conntrack_tuple_matches(const struct conntrack_search *search,
				    const struct nlattr *tuple)
{
	const struct nlattr *part, *ip;

	mnl_attr_for_each_nested(part, tuple) {
		if (mnl_attr_get_type(part) != CTA_TUPLE_IP)
			continue;
		mnl_attr_for_each_nested(ip, part)
			if (conntrack_address_matches(search, ip))
				return true;
	}
	return false;
}

static bool conntrack_entry_read(struct conntrack_entry *entry, const struct nlmsghdr *nlh,
				 const struct conntrack_search *search)
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
			matches = matches || conntrack_tuple_matches(search, attr);
			break;
		case CTA_TUPLE_REPLY:
			matches = matches || conntrack_tuple_matches(search, attr);
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
	struct conntrack_search *search = data;
	struct conntrack_list *list = search->list;
	struct conntrack_entry entry = {0};

	if (!conntrack_entry_read(&entry, nlh, search))
		return MNL_CB_OK;
	if (list->count == list->size) {
		size_t size = 2 * list->size + 64;
		struct conntrack_entry *grown = reallocarray(list->entries, size, sizeof(*grown));

		if (!grown)
			return MNL_CB_ERROR;
		list->entries = grown;
		list->size = size;
	}
	list->entries[list->count++] = entry;
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

static int conntrack_delete_entry(struct netlink *nl, const struct conntrack_entry *entry)
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

bool conntrack_is_empty(void)
{
	char count[SYSCTL_VALUE_MAX];

	return sysctl_read("net/netfilter/nf_conntrack_count", count) == 0 &&
	       strcmp(count, "0") == 0;
}

int conntrack_find(struct netlink *nl, bool (*is_wanted)(const struct address *address, void *data),
		   void *data, struct conntrack_list *list)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct conntrack_search search = {.is_wanted = is_wanted, .data = data, .list = list};

	*list = (struct conntrack_list){0};
	if (conntrack_is_empty())
		return 0;
	return netlink_talk(nl, conntrack_request(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC),
			    conntrack_on_entry, &search);
}

int conntrack_delete(struct netlink *nl, const struct conntrack_list *list)
{
	int err = 0;

	for (size_t i = 0; i < list->count; i++) {
		int failed = conntrack_delete_entry(nl, &list->entries[i]);

		if (failed && failed != -ENOENT && !err)
			err = failed;
	}
	return err;
}

void conntrack_free(struct conntrack_list *list)
{
	free(list->entries);
	*list = (struct conntrack_list){0};
}

struct conntrack_networks {
	const struct address *networks;
	size_t count;
};

static bool conntrack_is_of_networks(const struct address *address, void *data)
{
	const struct conntrack_networks *wanted = data;

	for (size_t i = 0; i < wanted->count; i++)
		if (address_overlaps(address, &wanted->networks[i]))
			return true;
	return false;
}

int conntrack_forget(struct netlink *nl, const struct address *networks, size_t count)
{
	struct conntrack_networks wanted = {networks, count};
	struct conntrack_list list;
	int err = conntrack_find(nl, conntrack_is_of_networks, &wanted, &list);

	if (!err)
		err = conntrack_delete(nl, &list);
	conntrack_free(&list);
	return err;
}
