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

#include "base/error.h"
#include "net/bound.h"
#include "net/guard.h"
#include "net/ruleset.h"
#include "net/set.h"
#include "net/table.h"

/*
 * Of a transaction, which is sent in one piece: what the socket's buffer surely takes. It has
 * 208 KiB (net.core.wmem_default), and to enlarge it is the right of the machine's root alone.
 */
enum {
	NAT_BATCH_MAX = 128 << 10,
	NAT_BUCKETS_MAX = 256, /* changed in one go: some 40 KiB */
};

static void nat_begin(struct nat *nat)
{
	nft_batch_start(&nat->batch, nat->table, nat->nl.sequence);
	nat->has_changes = false;
}

int nat_open(struct nat *nat, const struct nat_config *config)
{
	int err;

	*nat = (struct nat){
		.table = config->table,
		.guard = config->guard,
		.maps_loopback6 = config->maps_loopback6,
		.forwards_ipv6 = config->forwards_ipv6,
	};
	err = netlink_open(&nat->nl, NETLINK_NETFILTER);
	if (err)
		return err;
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

/* Sends the changes. Return: see nat_commit(). */
static int nat_send_changes(struct nat *nat)
{
	int err = nft_batch_send(&nat->batch, &nat->nl);

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

/* A change comes: what was collected is sent first, if it has become too much for one piece. */
static void nat_change(struct nat *nat)
{
	if (nat->batch.length > NAT_BATCH_MAX && !nat->err)
		nat->err = nat_send_changes(nat);
	nat->has_changes = true;
}

bool nat_can_map(const struct nat *nat, const struct nat_port *port)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;

	return nat->maps_loopback6 || port->address.family != AF_INET6 ||
	       memcmp(port->address.bytes, &loopback, sizeof(loopback)) != 0;
}

/* The first port of one address: from now on the table looks such ports up. */
static void nat_expect_bound(struct nat *nat, sa_family_t family)
{
	bool *has = family == AF_INET6 ? &nat->has_bound6 : &nat->has_bound4;

	if (family == AF_UNSPEC || *has)
		return;
	bound_add(&nat->batch, family, family == AF_INET || nat->forwards_ipv6);
	*has = true;
}

void nat_hold_port(struct nat *nat, const struct nat_port *port)
{
	nat_change(nat);
	nat_expect_bound(nat, port->address.family);
	nft_batch_add_port(&nat->batch, bound_reserved(port), port, NULL, NULL);
}

void nat_release_port(struct nat *nat, const struct nat_port *port)
{
	nat_change(nat);
	nft_batch_delete_port(&nat->batch, bound_reserved(port), port);
}

void nat_admit(struct nat *nat, const struct nat_sender *sender)
{
	nat_change(nat);
	ruleset_put_sender(&nat->batch, sender, true);
}

void nat_dismiss(struct nat *nat, const struct nat_sender *sender)
{
	nat_change(nat);
	ruleset_put_sender(&nat->batch, sender, false);
}

/* A name that was to be deleted is used again: do not delete it. */
static void nat_keep(struct nat *nat, const char *name)
{
	for (size_t i = 0; i < nat->stale_count; i++) {
		if (strcmp(nat->stale[i].name, name) != 0)
			continue;
		nat->stale[i] = nat->stale[--nat->stale_count];
		return;
	}
}

/* Without memory, what is empty stays as long as the table. @map: may be NULL */
static void nat_let_go(struct nat *nat, const char *chain, const char *map)
{
	struct nat_stale *grown = reallocarray(nat->stale, nat->stale_count + 2, sizeof(*grown));

	if (!grown)
		return;
	nat->stale = grown;
	grown += nat->stale_count;
	grown[0] = (struct nat_stale){.is_map = false};
	snprintf(grown[0].name, sizeof(grown[0].name), "%s", chain);
	grown[1] = (struct nat_stale){.is_map = true};
	snprintf(grown[1].name, sizeof(grown[1].name), "%s", map ? map : "");
	nat->stale_count += map ? 2 : 1;
}

void nat_add_backend(struct nat *nat, const struct nat_backend *backend)
{
	nat_change(nat);
	nat_keep(nat, backend->chain);
	ruleset_add_backend(&nat->batch, backend);
}

void nat_add_backend_ipv6(struct nat *nat, const struct nat_backend *backend)
{
	nat_change(nat);
	ruleset_add_backend_ipv6(&nat->batch, backend);
}

void nat_remove_backend(struct nat *nat, const char *chain)
{
	nat_change(nat);
	nft_batch_flush_chain(&nat->batch, chain);
	nat_let_go(nat, chain, NULL);
}

void nat_publish(struct nat *nat, const struct nat_port *port, const char *chain,
		 const char *comment)
{
	nat_change(nat);
	nft_batch_add_port(&nat->batch, bound_published(port), port, chain, comment);
}

void nat_withdraw(struct nat *nat, const struct nat_port *port)
{
	nat_change(nat);
	nft_batch_delete_port(&nat->batch, bound_published(port), port);
}

void nat_add_buckets(struct nat *nat, const struct buckets *buckets)
{
	nat_change(nat);
	nat_keep(nat, buckets->chain);
	nat_keep(nat, buckets->map);
	buckets_add(&nat->batch, buckets);
}

void nat_change_buckets(struct nat *nat, const char *map, const struct buckets_change *changes,
			size_t count)
{
	while (count > 0) {
		size_t some = count < NAT_BUCKETS_MAX ? count : NAT_BUCKETS_MAX;

		nat_change(nat);
		buckets_change(&nat->batch, map, changes, some);
		changes += some;
		count -= some;
	}
}

void nat_remove_buckets(struct nat *nat, const struct buckets *buckets)
{
	nat_change(nat);
	buckets_clear(&nat->batch, buckets->chain, buckets->map);
	nat_let_go(nat, buckets->chain, buckets->map);
}

void nat_list_draining(struct nat *nat, const struct address *address, const char *comment)
{
	nat_change(nat);
	if (!nat->has_draining)
		nft_batch_add_set(&nat->batch, RULESET_DRAINING,
				  "the copies that get no new connections", NFT_KEY_ADDRESS4,
				  false);
	nat->has_draining = true;
	nft_batch_put_address4(&nat->batch, RULESET_DRAINING, address, comment, true);
}

void nat_unlist_draining(struct nat *nat, const struct address *address)
{
	nat_change(nat);
	nft_batch_put_address4(&nat->batch, RULESET_DRAINING, address, NULL, false);
}

void nat_guard(struct nat *nat, sa_family_t family, unsigned int ifindex)
{
	nat_change(nat);
	guard_add_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->guard;
	guard_add_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->table;
}

void nat_unguard(struct nat *nat, sa_family_t family, unsigned int ifindex)
{
	nat_change(nat);
	guard_delete_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->guard;
	guard_delete_link(&nat->batch, family, ifindex);
	nat->batch.table = nat->table;
}

void nat_set_answers(struct nat *nat, const char *bridge, const struct answer *answers,
		     size_t count)
{
	nat_change(nat);
	answer_add_chains(&nat->batch);
	for (size_t i = 0; i < count; i++)
		answer_add(&nat->batch, &answers[i], bridge);
}

int nat_commit(struct nat *nat)
{
	int err = nat->err;

	if (!err)
		return nat->has_changes ? nat_send_changes(nat) : 0;
	nat->err = 0;
	nft_batch_free(&nat->batch);
	nat_begin(nat);
	return err;
}

int nat_sweep(struct nat *nat)
{
	size_t left = nat->stale_count;
	struct nft_batch batch;
	int err;

	if (!left)
		return 0;
	if (nat->has_changes) /* they are numbered already, so they must be sent first */
		return -EBUSY;
	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	for (; left > 0 && batch.length < NAT_BATCH_MAX; left--) {
		const struct nat_stale *stale = &nat->stale[left - 1];

		if (stale->is_map)
			nft_batch_delete_set(&batch, stale->name);
		else
			nft_batch_delete_chain(&batch, stale->name);
	}
	err = nft_batch_send(&batch, &nat->nl);
	nft_batch_free(&nat->batch);
	nat_begin(nat);
	if (err == -EBUSY || err == -ENOMEM || err == -ENOBUFS || err == -EAGAIN)
		return -EBUSY;
	nat->stale_count = left;
	if (err)
		return netlink_report(&nat->nl, err,
				      "nftables: cannot delete unused chains of the table inet %s",
				      nat->table);
	return left ? -EBUSY : 0;
}

/*
 * To close the socket would be enough: the kernel then removes the table, as it does when we are
 * killed. But that takes longer (nft_table_delete()).
 */
void nat_remove(struct nat *nat)
{
	nft_batch_free(&nat->batch);
	free(nat->stale);
	nat->stale = NULL;
	nat->stale_count = 0;
	/* If ours was not installed, a table of this name is not ours. */
	if (nat->nl.socket && nat->is_installed)
		nft_table_delete(&nat->nl, nat->table);
	netlink_close(&nat->nl);
}
