/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat.h - the nftables table that maps host ports into a private network.
 *
 * The table belongs to the socket that made it (NFT_TABLE_F_OWNER, Linux 5.12): the kernel removes
 * it when that socket is closed, however its process ends, and keeps everyone else from changing
 * it. Nobody may inherit the socket but the guardian, which lets it go after the manager.
 *
 * What is added and removed waits for nat_commit(), which makes one transaction of all of it. A
 * change of where a port leads is a change of the map's elements, never of rules that packets pass.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/batch.h"
#include "net/netlink.h"

/** Room for the name of a backend's chain. */
enum { NAT_CHAIN_MAX = 32 };

/** A host port. */
struct nat_port {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t number;
};

/** Where a host port can lead: a port of an address behind the bridge. */
struct nat_backend {
	const char *chain;      /* its name: it counts the connections and translates them */
	const char *comment;    /* shown beside it in `nft list ruleset` */
	struct address to, to6; /* AF_UNSPEC: not over this family */
	uint16_t port;
};

/** The private network's view of one address family. */
struct nat_network {
	struct address subnet;       /* AF_UNSPEC: it does not have this family */
	struct address local_source; /* stands in for a loopback address as a source */
};

struct nat_config {
	const char *table; /* its name */
	const char *comment;
	const char *guard;  /* name of the table that outlives it (guard.h) */
	const char *bridge; /* link behind which the private network lies */
	struct nat_network ipv4, ipv6;
	bool maps_loopback6; /* ::1 can lead to a backend */
	bool forwards_ipv6;  /* what comes from elsewhere over IPv6 can lead to one */
};

struct nat {
	struct netlink nl;
	const char *table, *guard;
	bool is_installed;
	bool has_changes; /* in @batch */
	struct nft_batch batch;
	char (*stale)[NAT_CHAIN_MAX]; /* chains to delete, @stale_count of them; owned */
	size_t stale_count;
};

/**
 * nat_open() - open the table's socket, and begin the transaction that makes the table
 * @config: only its @table and @guard must live as long as @nat
 *
 * Return: 0 or -errno, reported.
 */
int nat_open(struct nat *nat, const struct nat_config *config);

/** nat_hold_port() - the port is ours: what does not lead to a backend is refused. */
void nat_hold_port(struct nat *nat, const struct nat_port *port);

/** nat_release_port() - the port is not ours any more. */
void nat_release_port(struct nat *nat, const struct nat_port *port);

/** nat_add_backend() - make a backend's chain, with a rule for each family that it has. */
void nat_add_backend(struct nat *nat, const struct nat_backend *backend);

/** nat_add_backend_ipv6() - add the rule for IPv6 alone, to a chain that is there. */
void nat_add_backend_ipv6(struct nat *nat, const struct nat_backend *backend);

/**
 * nat_remove_backend() - take a backend's chain away again
 *
 * No port may lead to it any more. The chain itself goes with nat_sweep().
 */
void nat_remove_backend(struct nat *nat, const char *chain);

/** nat_publish() - lead a port's new connections to a backend. */
void nat_publish(struct nat *nat, const struct nat_port *port, const struct nat_backend *backend);

/** nat_withdraw() - lead them nowhere: they are refused. Those that there are go on. */
void nat_withdraw(struct nat *nat, const struct nat_port *port);

/** nat_guard() - drop what comes in by a link and is forwarded elsewhere (guard.h), in a family. */
void nat_guard(struct nat *nat, sa_family_t family, unsigned int ifindex);

/** nat_unguard() - let it pass again. */
void nat_unguard(struct nat *nat, sa_family_t family, unsigned int ifindex);

/**
 * nat_commit() - send what has been added and removed since the last time, as one transaction
 *
 * Return: 0, also where there is nothing; or -errno, reported, and then nothing has changed.
 * -EEXIST (unreported) of the first one: the table's name is taken.
 */
int nat_commit(struct nat *nat);

/**
 * nat_sweep() - delete the chains of removed backends
 *
 * Before Linux 6.2 the kernel keeps a chain for a moment after the last element that led to it has
 * gone. So call it some time later, and again while it returns -EBUSY.
 *
 * Return: 0, -EBUSY, or another -errno, reported.
 */
int nat_sweep(struct nat *nat);

/** nat_remove() - remove the table, not the guard's, and close the socket. Safe to repeat, and on
 * zeros. */
void nat_remove(struct nat *nat);

/** nat_table_exists() - is there a table inet @table in this network namespace? */
bool nat_table_exists(const char *table);
