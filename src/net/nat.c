// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nat.c - the table's socket, and the transactions over it.
 */
#include "net/nat.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/guard.h"
#include "net/ruleset.h"
#include "net/set.h"

/*
 * A transaction of a thousand backends has some hundred KiB. It is sent in one piece, so it must
 * fit into the buffer.
 */
enum { NAT_SEND_BUFFER = 16 << 20 };

static void nat_begin(struct nat *nat)
{
	nft_batch_start(&nat->batch, nat->table, nat->nl.sequence);
	nat->has_changes = false;
}

/* Sends the batch, and frees it. Return: 0 or -errno. */
static int nat_send(struct nat *nat, struct nft_batch *batch)
{
	int err = nft_batch_finish(batch);

	if (!err)
		err = netlink_transact(&nat->nl, batch->data, batch->length, batch->last);
	nft_batch_free(batch);
	return err;
}

int nat_open(struct nat *nat, const struct nat_config *config)
{
	const int size = NAT_SEND_BUFFER;
	int err;

	*nat = (struct nat){.table = config->table, .guard = config->guard};
	err = netlink_open(&nat->nl, NETLINK_NETFILTER);
	if (err)
		return err;
	if (setsockopt(netlink_fd(&nat->nl), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0) {
		err = error_report(-errno, "nftables: cannot enlarge the socket's buffer");
		netlink_close(&nat->nl);
		return err;
	}
	err = guard_make(&nat->nl, nat->guard);
	if (err) {
		netlink_report(&nat->nl, err, "nftables: cannot make the table inet %s",
			       nat->guard);
		netlink_close(&nat->nl);
		return err;
	}
	nat_begin(nat);
	ruleset_add_all(&nat->batch, config);
	nat->has_changes = true;
	return 0;
}

void nat_hold_port(struct nat *nat, const struct nat_port *port)
{
	nft_batch_add_port(&nat->batch, RULESET_RESERVED, port->protocol, port->number, NULL, NULL);
	nat->has_changes = true;
}

void nat_release_port(struct nat *nat, const struct nat_port *port)
{
	nft_batch_delete_port(&nat->batch, RULESET_RESERVED, port->protocol, port->number);
	nat->has_changes = true;
}

void nat_admit(struct nat *nat, const struct nat_sender *sender)
{
	ruleset_put_sender(&nat->batch, sender, true);
	nat->has_changes = true;
}

void nat_dismiss(struct nat *nat, const struct nat_sender *sender)
{
	ruleset_put_sender(&nat->batch, sender, false);
	nat->has_changes = true;
}

/* A chain that was to be deleted is used again: do not delete it. */
static void nat_keep(struct nat *nat, const char *chain)
{
	for (size_t i = 0; i < nat->stale_count; i++) {
		if (strcmp(nat->stale[i], chain) != 0)
			continue;
		memmove(nat->stale[i], nat->stale[nat->stale_count - 1], NAT_CHAIN_MAX);
		nat->stale_count--;
		return;
	}
}

void nat_add_backend(struct nat *nat, const struct nat_backend *backend)
{
	nat_keep(nat, backend->chain);
	ruleset_add_backend(&nat->batch, backend);
	nat->has_changes = true;
}

void nat_add_backend_ipv6(struct nat *nat, const struct nat_backend *backend)
{
	ruleset_add_backend_ipv6(&nat->batch, backend);
	nat->has_changes = true;
}

void nat_remove_backend(struct nat *nat, const char *chain)
{
	char(*grown)[NAT_CHAIN_MAX] =
		reallocarray(nat->stale, nat->stale_count + 1, sizeof(*grown));

	nft_batch_flush_chain(&nat->batch, chain);
	nat->has_changes = true;
	if (!grown) /* the empty chain stays as long as the table */
		return;
	nat->stale = grown;
	snprintf(nat->stale[nat->stale_count++], NAT_CHAIN_MAX, "%s", chain);
}

void nat_publish(struct nat *nat, const struct nat_port *port, const struct nat_backend *backend)
{
	nft_batch_add_port(&nat->batch, RULESET_PUBLISHED, port->protocol, port->number,
			   backend->chain, backend->comment);
	nat->has_changes = true;
}

void nat_withdraw(struct nat *nat, const struct nat_port *port)
{
	nft_batch_delete_port(&nat->batch, RULESET_PUBLISHED, port->protocol, port->number);
	nat->has_changes = true;
}

void nat_guard(struct nat *nat, sa_family_t family, unsigned int ifindex)
{
	guard_add_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->guard;
	guard_add_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->table;
	nat->has_changes = true;
}

void nat_unguard(struct nat *nat, sa_family_t family, unsigned int ifindex)
{
	guard_delete_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->guard;
	guard_delete_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->table;
	nat->has_changes = true;
}

int nat_commit(struct nat *nat)
{
	int err;

	if (!nat->has_changes)
		return 0;
	err = nat_send(nat, &nat->batch);
	nat_begin(nat);
	if (!err) {
		nat->is_installed = true;
		return 0;
	}
	if (nat->is_installed)
		return netlink_report(&nat->nl, err, "nftables: cannot change the table inet %s",
				      nat->table);
	if (err == -EEXIST)
		return err;
	return netlink_report(&nat->nl, err, "nftables: cannot make the table inet %s", nat->table);
}

int nat_sweep(struct nat *nat)
{
	struct nft_batch batch;
	int err;

	if (!nat->stale_count)
		return 0;
	if (nat->has_changes) /* they are numbered already, so they must be sent first */
		return -EBUSY;
	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	for (size_t i = 0; i < nat->stale_count; i++)
		nft_batch_delete_chain(&batch, nat->stale[i]);
	err = nat_send(nat, &batch);
	nft_batch_free(&nat->batch);
	nat_begin(nat);
	if (err == -EBUSY || err == -ENOMEM || err == -ENOBUFS || err == -EAGAIN)
		return -EBUSY;
	nat->stale_count = 0;
	return err ? netlink_report(&nat->nl, err,
				    "nftables: cannot delete unused chains of the table inet %s",
				    nat->table)
		   : 0;
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
 * To close the socket would be enough: the kernel then removes the table, as it does when we are
 * killed. But close() would wait for a grace period of RCU (nft_rcv_nl_event()), 20 ms. After a
 * transaction, the kernel waits in the background.
 */
void nat_remove(struct nat *nat)
{
	struct nft_batch batch;

	nft_batch_free(&nat->batch);
	free(nat->stale);
	nat->stale = NULL;
	nat->stale_count = 0;
	if (!nat->nl.socket)
		return;
	/* If ours was not installed, a table of this name is not ours. */
	if (nat->is_installed) {
		nft_batch_start(&batch, nat->table, nat->nl.sequence);
		nft_batch_delete_table(&batch);
		nat_send(nat, &batch);
	}
	netlink_close(&nat->nl);
}
