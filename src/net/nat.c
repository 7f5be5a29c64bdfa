// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nat.c - the table's socket, and the transactions over it.
 */
#include "net/nat.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/ruleset.h"

/* A batch for a thousand copies is some hundred KiB: sent in one piece, it must fit. */
enum { NAT_SEND_BUFFER = 16 << 20 };

int nat_build(struct nft_batch *batch, const struct nat_config *config, uint32_t sequence)
{
	nft_batch_start(batch, config->table, sequence);
	ruleset_add_all(batch, config);
	return nft_batch_finish(batch);
}

static int nat_commit(struct nat *nat, struct nft_batch *batch, int err)
{
	if (!err)
		err = netlink_transact(&nat->nl, batch->data, batch->length, batch->last);
	nft_batch_free(batch);
	return err;
}

int nat_install(struct nat *nat, const struct nat_config *config)
{
	const int size = NAT_SEND_BUFFER;
	struct nft_batch batch;
	int err;

	nat->table = config->table;
	err = netlink_open(&nat->nl, NETLINK_NETFILTER);
	if (err)
		return err;
	if (setsockopt(netlink_fd(&nat->nl), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		err = -errno;
	if (!err)
		err = nat_commit(nat, &batch, nat_build(&batch, config, nat->nl.sequence));
	if (!err)
		return 0;
	if (err != -EEXIST)
		netlink_report(&nat->nl, err, "nftables: cannot make the table inet %s",
			       config->table);
	netlink_close(&nat->nl); /* of this name there may be a table that is not ours */
	return err;
}

int nat_publish_ipv6(struct nat *nat, const struct nat_port *port)
{
	struct nft_batch batch;
	int err;

	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	ruleset_add_ipv6(&batch, port);
	err = nat_commit(nat, &batch, nft_batch_finish(&batch));
	if (err)
		netlink_report(&nat->nl, err, "nftables: cannot map port %u over IPv6 in inet %s",
			       port->port, nat->table);
	return err;
}

int nat_unpublish(struct nat *nat, const struct nat_port *port)
{
	struct nft_batch batch;
	int err;

	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	nft_batch_delete_port(&batch, RULESET_PUBLISHED, port->protocol, port->port);
	err = nat_commit(nat, &batch, nft_batch_finish(&batch));
	if (err)
		netlink_report(&nat->nl, err, "nftables: cannot take port %u out of inet %s",
			       port->port, nat->table);
	return err;
}

bool nat_table_exists(const char *table)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK, 0);
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_NETFILTER);

	if (err)
		return false;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	err = netlink_talk(&nl, nlh, NULL, NULL);
	netlink_close(&nl);
	return err == 0;
}

/*
 * Closing the socket would do, as it does when we are killed. But then the kernel waits for a grace
 * period of RCU in close() (nft_rcv_nl_event()), 20 ms; after a transaction it waits behind our
 * back.
 */
void nat_remove(struct nat *nat)
{
	struct nft_batch batch;

	if (!nat->nl.socket)
		return;
	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	nft_batch_delete_table(&batch);
	nat_commit(nat, &batch, nft_batch_finish(&batch));
	netlink_close(&nat->nl);
}
