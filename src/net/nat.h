/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat.h - the nftables table that maps host ports into a private network.
 *
 * The table belongs to the socket that made it (NFT_TABLE_F_OWNER, Linux 5.12). The kernel removes
 * the table when that socket is closed, however its process ends, and keeps everyone else from
 * changing the table. No other process may have the socket, except the guardian, which deletes the
 * table if the manager was killed.
 *
 * Changes are collected until nat_commit(), which sends them as one transaction; many hundreds at a
 * time become several, one after the other. To lead a port elsewhere is a change of an element of
 * the map, never of a rule that packets pass.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/answer.h"
#include "net/batch.h"
#include "net/buckets.h"
#include "net/mac.h"
#include "net/netlink.h"
#include "net/port.h"

/** Room for the name of a backend's chain. */
enum { NAT_CHAIN_MAX = 32 };

/** Where a host port can lead: a port of an address behind the bridge. */
struct nat_backend {
	const char *chain; /* name of its chain, which counts the connections and translates them */
	const char *comment;    /* shown beside it in `nft list ruleset` */
	struct address to, to6; /* AF_UNSPEC: not over this family */
	uint16_t port;
};

/** Somebody behind the bridge, and the addresses that it may send by. */
struct nat_sender {
	struct mac mac;
	struct address address;
	struct address address6; /* AF_UNSPEC: none, also none of its link */
};

/** What is not used any more, and is deleted some time later. */
struct nat_stale {
	char name[NAT_CHAIN_MAX];
	bool is_map; /* or a chain */
};

/** The private network in one address family. */
struct nat_network {
	struct address subnet;       /* AF_UNSPEC: the network does not have this family */
	struct address local_source; /* replaces a loopback address as the source */
	/*
	 * The second half of @subnet. Its addresses replace those of the first, at the same places,
	 * as the sources of what calls a host port from there.
	 */
	struct address callers;
};

struct nat_config {
	const char *table; /* its name */
	const char *comment;
	const char *guard;  /* name of the table that stays longer (guard.h) */
	const char *bridge; /* the private network is behind this link */
	struct nat_network ipv4, ipv6;
	bool maps_loopback6; /* connections to ::1 can lead to a backend */
	bool forwards_ipv6;  /* connections from elsewhere over IPv6 can lead to a backend */
};

struct nat {
	struct netlink nl;
	const char *table, *guard;
	bool maps_loopback6, forwards_ipv6;
	bool is_installed;
	bool has_bound4, has_bound6; /* the table has sets and rules for ports of one address */
	bool has_draining;           /* it has the set of those who drain */
	bool has_changes;            /* in @batch */
	int err;                     /* of changes that were sent before the commit */
	struct nft_batch batch;
	struct nat_stale *stale; /* @stale_count of them; owned */
	size_t stale_count;
};

/**
 * nat_open() - open the table's socket, and begin the transaction that makes the table
 * @config: its @table and @guard must live as long as @nat; the rest may be freed after the call
 *
 * Return: 0 or -errno, reported.
 */
int nat_open(struct nat *nat, const struct nat_config *config);

/** nat_can_map() - can the port lead anywhere? One of [::1] cannot where that is not mapped. */
bool nat_can_map(const struct nat *nat, const struct nat_port *port);

/** nat_hold_port() - the port is ours: refuse connections to it that do not lead to a backend. */
void nat_hold_port(struct nat *nat, const struct nat_port *port);

/** nat_release_port() - the port is not ours any more. */
void nat_release_port(struct nat *nat, const struct nat_port *port);

/** nat_admit() - let somebody behind the bridge send, by its own addresses. */
void nat_admit(struct nat *nat, const struct nat_sender *sender);

/** nat_dismiss() - let it send no more. It must have been admitted. */
void nat_dismiss(struct nat *nat, const struct nat_sender *sender);

/** nat_add_backend() - make a backend's chain, with a rule for each family that it has. */
void nat_add_backend(struct nat *nat, const struct nat_backend *backend);

/** nat_add_backend_ipv6() - add only the rule for IPv6, to a chain that exists. */
void nat_add_backend_ipv6(struct nat *nat, const struct nat_backend *backend);

/**
 * nat_remove_backend() - remove the rules of a backend's chain
 *
 * No port may lead to it any more. nat_sweep() deletes the chain itself.
 */
void nat_remove_backend(struct nat *nat, const char *chain);

/**
 * nat_publish() - lead a port's new connections to a chain: a backend's, or one of
 * nat_add_buckets()
 * @comment: shown beside it in `nft list ruleset`
 */
void nat_publish(struct nat *nat, const struct nat_port *port, const char *chain,
		 const char *comment);

/** nat_withdraw() - refuse a port's new connections. Connections that exist go on. */
void nat_withdraw(struct nat *nat, const struct nat_port *port);

/** nat_add_buckets() - make what leads one port to many backends. Its map is empty. */
void nat_add_buckets(struct nat *nat, const struct buckets *buckets);

/**
 * nat_change_buckets() - lead buckets to chains of backends, or nowhere; see buckets_change()
 *
 * A bucket changes at once: it always leads to where it did, or to where it is to.
 */
void nat_change_buckets(struct nat *nat, const char *map, const struct buckets_change *changes,
			size_t count);

/** nat_remove_buckets() - no port may lead there any more. nat_sweep() deletes chain and map. */
void nat_remove_buckets(struct nat *nat, const struct buckets *buckets);

/**
 * nat_list_draining() - show somebody behind the bridge in the table, as one that gets no new
 * connections and ends when those that it has have ended. It changes nothing for packets.
 */
void nat_list_draining(struct nat *nat, const struct address *address, const char *comment);

/** nat_unlist_draining() - show it no more. It must have been listed. */
void nat_unlist_draining(struct nat *nat, const struct address *address);

/**
 * nat_guard() - drop packets of a family that come in by a link and are forwarded elsewhere
 * (guard.h).
 */
void nat_guard(struct nat *nat, sa_family_t family, unsigned int ifindex);

/** nat_unguard() - let these packets pass again. */
void nat_unguard(struct nat *nat, sa_family_t family, unsigned int ifindex);

/**
 * nat_set_answers() - mark these answers, and no others any more (answer.h)
 * @bridge: as in nat_config
 */
void nat_set_answers(struct nat *nat, const char *bridge, const struct answer *answers,
		     size_t count);

/**
 * nat_commit() - send the changes that were made since the last commit
 *
 * Return: 0, also without any changes; or -errno, reported, and then none of them has been made, or
 * of very many only the first. -EEXIST (unreported) from the first commit: the table's name is
 * taken.
 */
int nat_commit(struct nat *nat);

/**
 * nat_sweep() - delete the chains of removed backends, and what is left of removed buckets
 *
 * Before Linux 6.2, the kernel keeps a chain for a moment after the last element that leads to it
 * is deleted. So call this some time later, and again as long as it returns -EBUSY.
 *
 * Return: 0; -EBUSY; or another -errno, reported.
 */
int nat_sweep(struct nat *nat);

/**
 * nat_remove() - remove the table and close the socket. Safe to repeat, and on zeros.
 *
 * The table of the guard stays.
 */
void nat_remove(struct nat *nat);
