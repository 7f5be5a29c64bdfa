/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink.h - a request to the kernel and its answer, over libmnl.
 *
 * Knows sockets, sequence numbers and errors. The other files here know what a message means.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink {
	struct mnl_socket *socket; /* NULL while closed */
	uint32_t sequence;
	char reason[128]; /* the kernel's extended ack of the last failed request, or "" */
};

/** Room for any single request that we build: link, address, route, one conntrack tuple. */
enum { NETLINK_REQUEST_MAX = 2048 };

/**
 * netlink_open() - open a socket in the calling process's network namespace
 * @bus: NETLINK_ROUTE, NETLINK_NETFILTER, NETLINK_SOCK_DIAG
 *
 * The socket is close-on-exec. If no answer comes before a deadline, a request fails with -EAGAIN.
 *
 * Return: 0 or -errno, reported.
 */
int netlink_open(struct netlink *nl, int bus);

/**
 * netlink_listen() - open a socket that gets news of changes; reading from it never blocks
 * @groups: RTMGRP_*
 *
 * Return: 0 or -errno, reported.
 */
int netlink_listen(struct netlink *nl, int bus, unsigned int groups);

/** netlink_close() - close the socket if it is open. Safe to repeat. */
void netlink_close(struct netlink *nl);

/**
 * netlink_adopt() - use an open netlink socket, such as one made in another namespace
 * @fd: the socket; owned by @nl from now on, and closed on failure
 *
 * Return: 0 or -errno.
 */
int netlink_adopt(struct netlink *nl, int fd);

/** netlink_fd() - the descriptor of @nl, -1 when it is closed. Stays owned by @nl. */
int netlink_fd(const struct netlink *nl);

/**
 * netlink_request() - begin a request in @buf
 * @buf:   at least NETLINK_REQUEST_MAX bytes, aligned for a struct nlmsghdr
 * @type:  message type, such as RTM_NEWLINK
 * @flags: NLM_F_* beside NLM_F_REQUEST, which is always set
 */
struct nlmsghdr *netlink_request(void *buf, uint16_t type, uint16_t flags);

/**
 * netlink_is_whole() - does a message begin here, of which @rest bytes hold all?
 *
 * mnl_nlmsg_ok() takes a length beyond INT_MAX for a negative one, and says yes.
 */
bool netlink_is_whole(const struct nlmsghdr *nlh, int rest);

/**
 * netlink_talk() - send one request and wait for its complete answer
 * @nlh:  the request; with NLM_F_ACK or NLM_F_DUMP in its flags. Its sequence number is set here.
 * @cb:   called for each message of the answer, or NULL; returns MNL_CB_OK or MNL_CB_ERROR
 * @data: passed to @cb
 *
 * If the kernel says that a dump is inconsistent (NLM_F_DUMP_INTR), the request is sent again. So
 * @cb can get the same object twice.
 *
 * Return: 0 or -errno; the kernel's own words for it are in @nl->reason.
 */
int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *data);

/**
 * netlink_transact() - send an nfnetlink batch and wait for the acknowledgement of its last message
 * @batch, @length: messages from NFNL_MSG_BATCH_BEGIN to NFNL_MSG_BATCH_END, numbered from
 *                  @nl->sequence + 1
 * @last:           sequence number of the message that carries NLM_F_ACK
 *
 * Return: 0; or the first -errno of any message of the batch, and then none of them has any effect.
 */
int netlink_transact(struct netlink *nl, const void *batch, size_t length, uint32_t last);

/**
 * netlink_report() - error_report(), with the kernel's own words where it gave some
 * Return: @err.
 */
int netlink_report(const struct netlink *nl, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
