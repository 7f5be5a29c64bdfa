// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * diag.c - requests of inet_diag.
 */
#include "net/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* include/net/tcp_states.h; an unconnected UDP socket is in the state of a closed TCP one */
enum {
	STATE_FIN_WAIT2 = 5,
	STATE_TIME_WAIT = 6,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
	STATES_ALL = 0xfff
};

static const sa_family_t FAMILIES[] = {AF_INET, AF_INET6};

static struct nlmsghdr *diag_request(void *buf, uint16_t type, uint16_t flags, sa_family_t family,
				     uint8_t protocol, struct inet_diag_req_v2 **ret_request)
{
	struct nlmsghdr *nlh = netlink_request(buf, type, flags);

	*ret_request = mnl_nlmsg_put_extra_header(nlh, sizeof(**ret_request));
	(*ret_request)->sdiag_family = (uint8_t)family;
	(*ret_request)->sdiag_protocol = protocol;
	return nlh;
}

static int diag_dump(struct netlink *nl, sa_family_t family, uint8_t protocol, uint32_t states,
		     mnl_cb_t cb, void *data)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct inet_diag_req_v2 *request;
	struct nlmsghdr *nlh =
		diag_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, protocol, &request);
	int err;

	request->idiag_states = states;
	err = netlink_talk(nl, nlh, cb, data);
	return err == -ENOENT ? -EOPNOTSUPP : err; /* -ENOENT: the kernel has no such module */
}

struct diag_search {
	const struct nat_port *port;
	struct diag_listeners found;
};

static bool diag_is_v6only(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct inet_diag_msg))
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY)
			return mnl_attr_get_u8(attr);
	return false;
}

/* Does a socket that is bound to @address of @family get what is for the port that is looked for?
 */
static bool diag_is_at(const struct diag_search *search, sa_family_t family,
		       const struct in6_addr *address, bool is_v6only)
{
	const struct address *wanted = &search->port->address;
	bool is_any = IN6_IS_ADDR_UNSPECIFIED(address);

	if (wanted->family == AF_UNSPEC)
		return true;
	if (wanted->family != family)
		return family == AF_INET6 && is_any && !is_v6only;
	return is_any || memcmp(address, wanted->bytes, address_length(wanted)) == 0;
}

static int diag_on_listener(const struct nlmsghdr *nlh, void *data)
{
	struct diag_search *search = data;
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(nlh);
	struct in6_addr address = {0};

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*message) ||
	    ntohs(message->id.idiag_sport) != search->port->number)
		return MNL_CB_OK;
	memcpy(&address, message->id.idiag_src, sizeof(address));
	if (!diag_is_at(search, message->idiag_family, &address, diag_is_v6only(nlh)))
		return MNL_CB_OK;
	search->found.any = true;
	search->found.inode = message->idiag_inode;
	if (message->idiag_family == AF_INET) {
		if (address.s6_addr[0] != IN_LOOPBACKNET)
			search->found.ipv4 = true;
	} else if (!IN6_IS_ADDR_LOOPBACK(&address)) {
		search->found.ipv6 = true;
		if (IN6_IS_ADDR_UNSPECIFIED(&address) && !diag_is_v6only(nlh))
			search->found.ipv4 = true;
	}
	return MNL_CB_OK;
}

int diag_find_listeners(struct netlink *nl, const struct nat_port *port, struct diag_listeners *ret)
{
	uint32_t states = 1U << (port->protocol == IPPROTO_TCP ? STATE_LISTEN : STATE_CLOSE);
	struct diag_search search = {.port = port};

	for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(FAMILIES[0]); i++) {
		int err = diag_dump(nl, FAMILIES[i], port->protocol, states, diag_on_listener,
				    &search);

		if (err)
			return err;
	}
	*ret = search.found;
	return 0;
}

static int diag_on_state(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*message))
		*(uint8_t *)data = message->idiag_state;
	return MNL_CB_OK;
}

/* Any socket of the namespace will do for this (man 7 netdevice). Return: 0: no such link. */
static uint32_t diag_link(const struct netlink *nl, const char *name)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(netlink_fd(nl), SIOCGIFINDEX, &request) < 0 ? 0
								 : (uint32_t)request.ifr_ifindex;
}

int diag_listens(struct netlink *nl, uint8_t protocol, const struct address *address, uint16_t port,
		 const char *link)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool is_udp = protocol == IPPROTO_UDP;
	struct inet_diag_req_v2 *request;
	struct nlmsghdr *nlh = diag_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_ACK, address->family,
					    protocol, &request);
	uint8_t state = 0;
	int err;

	request->idiag_states = STATES_ALL;
	request->id.idiag_cookie[0] = request->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	request->id.idiag_if = diag_link(nl, link);
	/* For UDP, source and destination are the other way round (udp_dump_one()). */
	memcpy(is_udp ? request->id.idiag_dst : request->id.idiag_src, address->bytes,
	       address_length(address));
	*(is_udp ? &request->id.idiag_dport : &request->id.idiag_sport) = htons(port);
	err = netlink_talk(nl, nlh, diag_on_state, &state);
	if (err)
		return err == -ENOENT ? 0 : err;
	return state == (is_udp ? STATE_CLOSE : STATE_LISTEN);
}

int diag_is_supported(struct netlink *nl, uint8_t protocol)
{
	int err = diag_dump(nl, AF_INET, protocol, 0, NULL, NULL);

	if (err == -EOPNOTSUPP)
		return 0;
	return err ? err : 1;
}

struct diag_count {
	const uint16_t *ports;
	size_t port_count;
	int found;
};

static bool diag_is_loopback(const struct inet_diag_msg *message)
{
	struct in6_addr address = {0};

	memcpy(&address, message->id.idiag_src, sizeof(address));
	if (message->idiag_family == AF_INET)
		return address.s6_addr[0] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address) ||
	       (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == IN_LOOPBACKNET);
}

static int diag_on_counted(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(nlh);
	struct diag_count *count = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*message) || diag_is_loopback(message))
		return MNL_CB_OK;
	for (size_t i = 0; i < count->port_count; i++)
		if (ntohs(message->id.idiag_sport) == count->ports[i]) {
			count->found++;
			break;
		}
	return MNL_CB_OK;
}

int diag_count_connections(struct netlink *nl, const uint16_t *ports, size_t count)
{
	uint32_t states = STATES_ALL & ~(1U << STATE_LISTEN | 1U << STATE_TIME_WAIT |
					 1U << STATE_FIN_WAIT2 | 1U << STATE_CLOSE);
	struct diag_count counted = {.ports = ports, .port_count = count};

	for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(FAMILIES[0]); i++) {
		int err =
			diag_dump(nl, FAMILIES[i], IPPROTO_TCP, states, diag_on_counted, &counted);

		if (err)
			return err;
	}
	return counted.found;
}

struct diag_connections {
	struct inet_diag_sockid *ids;
	size_t count;
};

static int diag_on_connection(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(nlh);
	struct diag_connections *connections = data;
	struct inet_diag_sockid *grown =
		reallocarray(connections->ids, connections->count + 1, sizeof(*grown));

	if (!grown)
		return MNL_CB_ERROR;
	connections->ids = grown;
	connections->ids[connections->count++] = message->id;
	return MNL_CB_OK;
}

static int diag_abort_family(struct netlink *nl, sa_family_t family)
{
	uint32_t states =
		STATES_ALL & ~(1U << STATE_LISTEN | 1U << STATE_TIME_WAIT | 1U << STATE_CLOSE);
	struct diag_connections connections = {0};
	int err = diag_dump(nl, family, IPPROTO_TCP, states, diag_on_connection, &connections);

	for (size_t i = 0; i < connections.count; i++) {
		char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
		struct inet_diag_req_v2 *request;
		struct nlmsghdr *nlh =
			diag_request(buf, SOCK_DESTROY, NLM_F_ACK, family, IPPROTO_TCP, &request);
		int failed;

		request->id = connections.ids[i];
		failed = netlink_talk(nl, nlh, NULL, NULL);
		if (failed && failed != -ENOENT && !err) /* it may have ended meanwhile */
			err = failed;
	}
	free(connections.ids);
	return err;
}

int diag_abort_all(struct netlink *nl)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(FAMILIES[0]); i++) {
		int failed = diag_abort_family(nl, FAMILIES[i]);

		err = err ? err : failed;
	}
	return err;
}
