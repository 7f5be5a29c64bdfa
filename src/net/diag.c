// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * diag.c - requests of inet_diag.
 */
#include "net/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>

enum {
	/* include/net/tcp_states.h; an unconnected UDP socket is in the state TCP_CLOSE */
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
};

struct diag_search {
	uint16_t port;
	bool found;
	struct diag_listener best;
};

static bool diag_is_better(const struct diag_listener *a, const struct diag_listener *b)
{
	if (a->any_address != b->any_address)
		return a->any_address;
	return b->loopback && !a->loopback;
}

static int diag_on_socket(const struct nlmsghdr *nlh, void *data)
{
	struct diag_search *search = data;
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(nlh);
	struct in6_addr address = {0};
	struct diag_listener listener = {0};

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*message) ||
	    ntohs(message->id.idiag_sport) != search->port)
		return MNL_CB_OK;
	memcpy(&address, message->id.idiag_src, sizeof(address));
	listener.family = message->idiag_family;
	listener.inode = message->idiag_inode;
	if (listener.family == AF_INET6) {
		listener.any_address = IN6_IS_ADDR_UNSPECIFIED(&address);
		listener.loopback = IN6_IS_ADDR_LOOPBACK(&address);
	} else {
		listener.any_address = address.s6_addr32[0] == 0;
		listener.loopback = address.s6_addr[0] == IN_LOOPBACKNET;
	}
	if (!search->found || diag_is_better(&listener, &search->best))
		search->best = listener;
	search->found = true;
	return MNL_CB_OK;
}

static int diag_list(struct netlink *nl, uint8_t protocol, sa_family_t family,
		     struct diag_search *search)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = netlink_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(nlh, sizeof(*request));

	request->sdiag_family = (uint8_t)family;
	request->sdiag_protocol = protocol;
	request->idiag_states = 1U << (protocol == IPPROTO_TCP ? STATE_LISTEN : STATE_CLOSE);
	return netlink_talk(nl, nlh, diag_on_socket, search);
}

int diag_find_listener(struct netlink *nl, uint8_t protocol, uint16_t port,
		       struct diag_listener *ret)
{
	struct diag_search search = {.port = port};
	int err = diag_list(nl, protocol, AF_INET, &search);

	if (!err)
		err = diag_list(nl, protocol, AF_INET6, &search);
	if (err)
		return err;
	if (!search.found)
		return -ENOENT;
	*ret = search.best;
	return 0;
}
