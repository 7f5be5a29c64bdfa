// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netlink.c - sockets, sequence numbers and errors of netlink.
 *
 * The kernel answers a request while it is being sent, so the answer is there as soon as send()
 * returns. Receiving has a deadline all the same: if an answer is lost (ENOBUFS, a kernel bug), the
 * caller gets an error instead of waiting for ever.
 */
#include "net/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/error.h"

enum {
	NETLINK_DEADLINE_S = 3,
	NETLINK_DUMP_RETRIES = 20,
	NETLINK_ERRNO_MAX = 4095, /* the kernel's MAX_ERRNO */
	/* a dump's largest part: man 7 netlink, "NLMSG_GOODSIZE"; 32 KiB since Linux 4.4 */
	NETLINK_ANSWER_MAX = 32768,
};

static int netlink_prepare(struct netlink *nl)
{
	const struct timeval deadline = {.tv_sec = NETLINK_DEADLINE_S};
	int on = 1;

	/*
	 * Old kernels lack these two options. Their answers are then longer, and do not give the
	 * reason in words.
	 */
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &deadline,
		       sizeof(deadline)) < 0)
		return -errno;
	return 0;
}

static int netlink_bind(struct netlink *nl, int bus, int type, unsigned int groups)
{
	int err = 0;

	*nl = (struct netlink){0};
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC | type);
	if (!nl->socket || mnl_socket_bind(nl->socket, groups, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	else
		err = netlink_prepare(nl);
	if (err) {
		netlink_close(nl);
		return error_report(err, "cannot open a netlink socket (protocol %d)", bus);
	}
	return 0;
}

int netlink_open(struct netlink *nl, int bus)
{
	return netlink_bind(nl, bus, 0, 0);
}

int netlink_listen(struct netlink *nl, int bus, unsigned int groups)
{
	return netlink_bind(nl, bus, SOCK_NONBLOCK, groups);
}

int netlink_adopt(struct netlink *nl, int fd)
{
	int err;

	*nl = (struct netlink){.socket = mnl_socket_fdopen(fd)};
	if (!nl->socket) {
		err = -errno;
		close(fd);
		return err;
	}
	/*
	 * Another process may have used this socket. Begin with other sequence numbers than it has
	 * used, so that we do not take its answers for ours.
	 */
	nl->sequence = (uint32_t)getpid() << 16;
	err = netlink_prepare(nl);
	if (err)
		netlink_close(nl);
	return err;
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

int netlink_fd(const struct netlink *nl)
{
	return nl->socket ? mnl_socket_get_fd(nl->socket) : -1;
}

struct nlmsghdr *netlink_request(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

/* A request, and what has been received of its answer so far. */
struct netlink_exchange {
	struct netlink *nl;
	uint32_t first, last; /* sequence numbers of the messages that are answered */
	mnl_cb_t cb;
	void *data;
	bool is_done;
	bool is_interrupted; /* the objects changed while the kernel listed them */
	int err;
};

/* Copies the kernel's sentence out of an extended ack (NLMSGERR_ATTR_MSG). */
static void netlink_keep_reason(struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*error);
	const struct nlattr *attr;

	nl->reason[0] = '\0';
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += MNL_ALIGN(error->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
	if (offset > mnl_nlmsg_get_payload_len(nlh))
		return;
	mnl_attr_for_each(attr, nlh, offset) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_STRING) == 0)
			snprintf(nl->reason, sizeof(nl->reason), "%s", mnl_attr_get_str(attr));
	}
}

/* Return: @err, as the kernel has said it, if it is an errno, or 0. */
static int netlink_errno(int err)
{
	return err > 0 || err < -NETLINK_ERRNO_MAX ? -EBADMSG : err;
}

static void netlink_on_error(struct netlink_exchange *exchange, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	int err = mnl_nlmsg_get_payload_len(nlh) < sizeof(*error) ? -EBADMSG
								  : netlink_errno(error->error);

	if (err) {
		netlink_keep_reason(exchange->nl, nlh);
		exchange->err = err;
	}
	if (err || nlh->nlmsg_seq == exchange->last)
		exchange->is_done = true;
}

static void netlink_on_message(struct netlink_exchange *exchange, const struct nlmsghdr *nlh)
{
	/*
	 * Skip a message that belongs to an earlier request, for whose answer we stopped waiting.
	 */
	if (nlh->nlmsg_seq - exchange->first > exchange->last - exchange->first)
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->is_interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		netlink_on_error(exchange, nlh);
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		exchange->is_done = true;
		if (!exchange->err && mnl_nlmsg_get_payload_len(nlh) >= sizeof(int))
			exchange->err = netlink_errno(*(const int *)mnl_nlmsg_get_payload(nlh));
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && exchange->cb && !exchange->err) {
		if (exchange->cb(nlh, exchange->data) == MNL_CB_ERROR)
			exchange->err = -errno;
	}
}

static int netlink_send(struct netlink *nl, const void *message, size_t length)
{
	while (mnl_socket_sendto(nl->socket, message, length) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static ssize_t netlink_receive(struct netlink *nl, void *buf, size_t size)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(nl->socket, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

bool netlink_is_whole(const struct nlmsghdr *nlh, int rest)
{
	return mnl_nlmsg_ok(nlh, rest) && nlh->nlmsg_len <= (uint32_t)rest;
}

/* Sends a message or a batch and reads until its answer is complete. */
static int netlink_exchange(struct netlink_exchange *exchange, const void *message, size_t length)
{
	char buf[NETLINK_ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	int err = netlink_send(exchange->nl, message, length);

	exchange->nl->reason[0] = '\0';
	if (err)
		return err;
	while (!exchange->is_done) {
		ssize_t n = netlink_receive(exchange->nl, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;

		if (n < 0)
			return (int)n;
		for (int rest = (int)n; netlink_is_whole(nlh, rest);
		     nlh = mnl_nlmsg_next(nlh, &rest))
			netlink_on_message(exchange, nlh);
	}
	if (exchange->err)
		return exchange->err;
	return exchange->is_interrupted ? -EINTR : 0;
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < NETLINK_DUMP_RETRIES; i++) {
		struct netlink_exchange exchange = {.nl = nl, .cb = cb, .data = data};

		nlh->nlmsg_seq = exchange.first = exchange.last = ++nl->sequence;
		err = netlink_exchange(&exchange, nlh, nlh->nlmsg_len);
	}
	return err;
}

int netlink_transact(struct netlink *nl, const void *batch, size_t length, uint32_t last)
{
	const struct nlmsghdr *begin = batch;
	struct netlink_exchange exchange = {.nl = nl, .first = begin->nlmsg_seq, .last = last};

	/*
	 * The kernel answers each message that fails, and always the last one. If the commit as a
	 * whole fails, the answer has the sequence number of the batch's first message
	 * (nfnetlink_rcv_batch()).
	 */
	nl->sequence = last;
	return netlink_exchange(&exchange, batch, length);
}

int netlink_report(const struct netlink *nl, int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (nl->reason[0])
		return error_report(err, "%s: %s", text, nl->reason);
	return error_report(err, "%s", text);
}
