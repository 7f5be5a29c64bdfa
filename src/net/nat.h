/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat.h - the nftables table that maps host ports into a private network.
 *
 * The table belongs to the socket that made it (NFT_TABLE_F_OWNER, Linux 5.12): the kernel removes
 * it when that socket is closed, however its process ends, and keeps everyone else from changing
 * it. Nobody may inherit the socket but the guardian, which lets it go after the manager.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/batch.h"
#include "net/netlink.h"

/** A host port and where it leads. */
struct nat_port {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port;    /* on the host */
	struct address to, to6;
	uint16_t to_port;
	const char *name;    /* of the chain that counts and translates its connections */
	const char *comment; /* shown beside it in `nft list ruleset` */
};

/** The private network's view of one address family. */
struct nat_network {
	struct address subnet;       /* AF_UNSPEC: it does not have this family */
	struct address local_source; /* stands in for a loopback address as a source */
};

struct nat_config {
	const char *table; /* its name */
	const char *comment;
	const char *bridge; /* link behind which the private network lies */
	struct nat_network ipv4, ipv6;
	bool maps_loopback6;          /* ::1 can lead to a copy */
	bool forwards_ipv6;           /* what comes from elsewhere over IPv6 can lead to one */
	const struct nat_port *ports; /* @count of them */
	size_t count;
};

struct nat {
	struct netlink nl;
	const char *table;
};

/**
 * nat_install() - make the whole table in one transaction
 * @config: only its @table must live as long as @nat
 *
 * Return: 0, or a negative errno that is reported. -EEXIST (unreported): the table's name is taken.
 */
int nat_install(struct nat *nat, const struct nat_config *config);

/**
 * nat_publish_ipv6() - lead IPv6 connections to @port as well
 *
 * Not done from the start: where a program does not listen on IPv6, its port shall be refused on
 * the host's IPv6 addresses as it would be without us.
 *
 * Return: 0, -errno (reported).
 */
int nat_publish_ipv6(struct nat *nat, const struct nat_port *port);

/** nat_unpublish() - refuse new connections to @port from now on. Return: 0, -errno (reported). */
int nat_unpublish(struct nat *nat, const struct nat_port *port);

/** nat_remove() - remove the table and close the socket. Safe to repeat. */
void nat_remove(struct nat *nat);

/** nat_table_exists() - is there a table inet @table in this network namespace? */
bool nat_table_exists(const char *table);

/** nat_build() - the transaction of nat_install(), for it and for its test. Pure. */
int nat_build(struct nft_batch *batch, const struct nat_config *config, uint32_t sequence);
