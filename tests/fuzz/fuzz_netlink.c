// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_netlink.c - answers of the kernel, to everything that reads them.
 *
 * The first byte chooses who asks. Then come the answers: two bytes of length each, little-endian,
 * and so many bytes. Sequence numbers are put in here, and an end (NLMSG_DONE) after the last one.
 * It is linked with --wrap: no socket is used. nftables' objects are left out: libnftnl, which
 * reads them, ends the process where an attribute has not the length that it knows
 * (abi_breakage()).
 */
#include <errno.h>
#include <libmnl/libmnl.h>

#include "fuzz.h"
#include "net/conntrack.h"
#include "net/diag.h"
#include "net/flows.h"
#include "net/link.h"
#include "net/route.h"
#include "net/rule.h"
#include "net/watch.h"

static const uint8_t *answers;
static size_t answers_left;

/* What is taken for a socket: the sequence number of its last request. */
static uint32_t sockets[2];

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t length);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);
int __wrap_sysctl_read(const char *path, char *value);

static bool is_second(const struct mnl_socket *nl)
{
	return (const void *)nl == &sockets[1];
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t length)
{
	sockets[is_second(nl)] = ((const struct nlmsghdr *)buf)->nlmsg_seq;
	return (ssize_t)length;
}

static ssize_t end(void *buf, uint32_t sequence)
{
	const struct nlmsghdr done = {.nlmsg_len = NLMSG_HDRLEN + sizeof(int),
				      .nlmsg_type = NLMSG_DONE,
				      .nlmsg_seq = sequence};

	memset(buf, 0, done.nlmsg_len);
	memcpy(buf, &done, sizeof(done));
	return (ssize_t)done.nlmsg_len;
}

/* Return: the length of the next answer; 0: there is none. */
static size_t next(void *buf, size_t size, uint32_t sequence)
{
	size_t length;
	int rest;

	if (answers_left < 2)
		return 0;
	length = answers[0] | (size_t)answers[1] << 8;
	answers += 2;
	answers_left -= 2;
	length = length < answers_left ? length : answers_left;
	length = length < size ? length : size;
	memcpy(buf, answers, length);
	answers += length;
	answers_left -= length;
	rest = (int)length;
	for (struct nlmsghdr *nlh = buf; mnl_nlmsg_ok(nlh, rest) && nlh->nlmsg_len <= INT32_MAX;
	     nlh = mnl_nlmsg_next(nlh, &rest))
		nlh->nlmsg_seq = sequence;
	return length;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	uint32_t sequence = sockets[is_second(nl)];
	size_t length = next(buf, size, sequence);

	return length ? (ssize_t)length : end(buf, sequence);
}

/* News (watch_next()). */
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	return (ssize_t)next(buf, size, 0);
}

/* There are entries, though this namespace may have none (conntrack_is_empty()). */
int __wrap_sysctl_read(const char *path, char *value)
{
	(void)path;
	value[0] = '\0';
	return -ENOENT;
}

/* ---- Who asks ---- */

static int on_local(const struct route_local *local, void *data)
{
	(void)local;
	(void)data;
	return 0;
}

static int on_link(sa_family_t family, unsigned int ifindex, void *data)
{
	(void)family;
	(void)ifindex;
	(void)data;
	return 0;
}

static int on_rule(const struct rule *rule, void *data)
{
	(void)data;
	FUZZ_ASSERT(rule->kind <= RULE_OURS);
	return 0;
}

static bool on_entry(const struct conntrack_flow *flow, void *data)
{
	(void)data;
	return (flow->original.from.address.bytes[0] ^ flow->reply.to.port) & 1;
}

static void ask_conntrack(struct netlink *nl)
{
	struct conntrack_list list = {0};

	if (conntrack_find(nl, on_entry, NULL, &list) == 0)
		conntrack_delete(nl, &list);
	conntrack_free(&list);
}

/* Flows to UDP port 5000 end: those that are not translated, and those to 10.90.0.4. */
static void ask_flows(struct netlink *nl)
{
	static const struct nat_port port = {.protocol = IPPROTO_UDP, .number = 5000};
	struct netlink route = {.socket = (struct mnl_socket *)&sockets[1]};
	struct flows_stale stale[] = {
		{.port = port},
		{.port = port,
		 .to = {.family = AF_INET, .prefix = 32, .bytes = {10, 90, 0, 4}},
		 .to_port = 5000},
	};

	flows_end(nl, &route, stale, 2);
}

static void ask_watch(struct netlink *nl)
{
	struct watch_event event;

	for (int i = 0; i < 16 && answers_left; i++)
		watch_next(nl, &event);
}

static void ask(uint8_t who, struct netlink *nl)
{
	static const struct address localhost = {
		.family = AF_INET, .prefix = 32, .bytes = {127, 0, 0, 1}};
	struct diag_listeners listeners;
	unsigned int ifindex;
	const struct nat_port port = {.protocol = IPPROTO_TCP, .number = 8081};

	switch (who % 11) {
	case 0:
		route_exists(nl, &localhost);
		break;
	case 1:
		route_list_locals(nl, on_local, NULL);
		break;
	case 2:
		route_list_links(nl, on_link, NULL);
		break;
	case 3:
		rule_list(nl, on_rule, NULL);
		break;
	case 4:
		link_find(nl, "uva0", &ifindex);
		break;
	case 5:
		link_is_forwarding(nl, 2);
		break;
	case 6:
		diag_find_listeners(nl, &port, &listeners);
		break;
	case 7:
		ask_conntrack(nl);
		break;
	case 8:
		ask_watch(nl);
		break;
	case 9:
		ask_flows(nl);
		break;
	default:
		link_has_family(nl, 2, AF_INET6);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlink nl = {.socket = (struct mnl_socket *)&sockets[0]};

	if (size < 1)
		return 0;
	fuzz_be_quiet();
	answers = data + 1;
	answers_left = size - 1;
	ask(data[0], &nl);
	return 0;
}
