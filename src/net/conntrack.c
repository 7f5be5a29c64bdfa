// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conntrack.c - reads the table of connections (ctnetlink) and deletes ours.
 *
 * The kernel can filter by single addresses or by mark, but not by network. A mark would interfere
 * with the rules of other programs. It can also filter by protocol and port, but each of both
 * families then needs a pass through its hash table, which takes longer than all that is done with
 * some thousand entries. So we read all entries, once, and pick ours.
 */
#include "net/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysctl.h"

/*
 * What identifies an entry: enough to delete this one, and not a later one of the same client's
 * port.
 *
 * A client that takes its port again begins a connection with the same original tuple, which leads
 * to another copy. The kernel then frees the old entry, the new one takes its place in memory, and
 * its id is made of both: it is the same. Where it leads to, only the reply's tuple tells.
 */
struct conntrack_entry {
	uint16_t tuple_length;
	uint8_t tuple[128]; /* the payload of CTA_TUPLE_REPLY: at most 100 bytes (IPv6, ICMPv6) */
	uint32_t id;
	uint16_t zone;
	sa_family_t family;
};

struct conntrack_search {
	bool (*is_wanted)(const struct conntrack_flow *flow, void *data);
	void *data;
	struct conntrack_list *list;
};

static void conntrack_read_address(struct address *address, const struct nlattr *attr)
{
	uint16_t length = mnl_attr_get_payload_len(attr);

	if (length != sizeof(struct in_addr) && length != sizeof(struct in6_addr))
		return;
	*address = (struct address){
		.family = length == sizeof(struct in6_addr) ? AF_INET6 : AF_INET,
		.prefix = (uint8_t)(8 * length),
	};
	memcpy(address->bytes, mnl_attr_get_payload(attr), length);
}

static void conntrack_read_addresses(struct conntrack_way *way, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_IP_V4_SRC:
		case CTA_IP_V6_SRC:
			conntrack_read_address(&way->from.address, attr);
			break;
		case CTA_IP_V4_DST:
		case CTA_IP_V6_DST:
			conntrack_read_address(&way->to.address, attr);
			break;
		}
	}
}

static uint16_t conntrack_read_port(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U16) < 0 ? 0 : ntohs(mnl_attr_get_u16(attr));
}

static void conntrack_read_ports(struct conntrack_way *way, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_PROTO_NUM:
			if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
				way->protocol = mnl_attr_get_u8(attr);
			break;
		case CTA_PROTO_SRC_PORT:
			way->from.port = conntrack_read_port(attr);
			break;
		case CTA_PROTO_DST_PORT:
			way->to.port = conntrack_read_port(attr);
			break;
		}
	}
}

static void conntrack_read_way(struct conntrack_way *way, const struct nlattr *tuple)
{
	const struct nlattr *part;

	mnl_attr_for_each_nested(part, tuple) {
		if (mnl_attr_get_type(part) == CTA_TUPLE_IP)
			conntrack_read_addresses(way, part);
		else if (mnl_attr_get_type(part) == CTA_TUPLE_PROTO)
			conntrack_read_ports(way, part);
	}
}

/* @info: CTA_PROTOINFO */
static bool conntrack_read_is_over(const struct nlattr *info)
{
	const struct nlattr *tcp, *attr;

	mnl_attr_for_each_nested(tcp, info) {
		if (mnl_attr_get_type(tcp) != CTA_PROTOINFO_TCP)
			continue;
		mnl_attr_for_each_nested(attr, tcp) {
			if (mnl_attr_get_type(attr) == CTA_PROTOINFO_TCP_STATE &&
			    mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
				return mnl_attr_get_u8(attr) == TCP_CONNTRACK_TIME_WAIT ||
				       mnl_attr_get_u8(attr) == TCP_CONNTRACK_CLOSE;
		}
	}
	return false;
}

static bool conntrack_entry_read(struct conntrack_entry *entry, const struct nlmsghdr *nlh,
				 const struct conntrack_search *search)
{
	const struct nfgenmsg *message = mnl_nlmsg_get_payload(nlh);
	struct conntrack_flow flow = {0};
	const struct nlattr *attr;

	entry->family = message->nfgen_family;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		uint16_t length = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			conntrack_read_way(&flow.original, attr);
			break;
		case CTA_TUPLE_REPLY:
			if (length > sizeof(entry->tuple))
				return false;
			memcpy(entry->tuple, mnl_attr_get_payload(attr), length);
			entry->tuple_length = length;
			conntrack_read_way(&flow.reply, attr);
			break;
		case CTA_PROTOINFO:
			flow.is_over = conntrack_read_is_over(attr);
			break;
		case CTA_ID:
			entry->id = mnl_attr_get_u32(attr);
			break;
		case CTA_ZONE:
			entry->zone = mnl_attr_get_u16(attr);
			break;
		}
	}
	return search->is_wanted(&flow, search->data);
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

	mnl_attr_put(nlh, CTA_TUPLE_REPLY | NLA_F_NESTED, entry->tuple_length, entry->tuple);
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

int conntrack_find(struct netlink *nl,
		   bool (*is_wanted)(const struct conntrack_flow *flow, void *data), void *data,
		   struct conntrack_list *list)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct conntrack_search search = {.is_wanted = is_wanted, .data = data, .list = list};

	*list = (struct conntrack_list){0};
	if (conntrack_is_empty())
		return 0;
	return netlink_talk(nl, conntrack_request(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC),
			    conntrack_on_entry, &search);
}

bool conntrack_any_address(const struct conntrack_flow *flow,
			   bool (*is_wanted)(const struct address *address, void *data), void *data)
{
	const struct address *const addresses[] = {
		&flow->original.from.address,
		&flow->original.to.address,
		&flow->reply.from.address,
		&flow->reply.to.address,
	};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (addresses[i]->family != AF_UNSPEC && is_wanted(addresses[i], data))
			return true;
	return false;
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

static bool conntrack_is_in_networks(const struct address *address, void *data)
{
	const struct conntrack_networks *wanted = data;

	for (size_t i = 0; i < wanted->count; i++)
		if (address_overlaps(address, &wanted->networks[i]))
			return true;
	return false;
}

static bool conntrack_is_of_networks(const struct conntrack_flow *flow, void *data)
{
	return conntrack_any_address(flow, conntrack_is_in_networks, data);
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
