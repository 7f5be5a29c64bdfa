/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - a plan that is being carried out: the state that start, supervise and stop share.
 */
#pragma once

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>

#include "copy/copy.h"
#include "copy/identity.h"
#include "copy/names.h"
#include "copy/output.h"
#include "host/cgroup.h"
#include "host/guardian.h"
#include "host/reserve.h"
#include "host/uplinks.h"
#include "net/address.h"
#include "net/link.h"
#include "net/nat.h"
#include "net/netlink.h"
#include "net/watch.h"
#include "plan.h"

enum member_state {
	MEMBER_ABSENT,   /* not started yet */
	MEMBER_STARTING, /* runs, but does not listen yet */
	MEMBER_READY,
	MEMBER_ENDED,
};

/** One of the plan's copies. */
struct member {
	unsigned int number; /* 1, 2, ... */
	enum member_state state;
	struct copy copy;
	struct netlink diag;     /* sees the copy's sockets */
	unsigned int link_index; /* of its link's end on the host */
	struct reservation reservation;
	struct address address, address6;
	struct output_line line;
	char name[16];        /* "copy-1": host name, and chain in the nftables table */
	char files[PATH_MAX]; /* working directory, absolute */
	char tmp[PATH_MAX];   /* what is its /tmp, absolute */
	char comment[PATH_MAX + 16];
};

struct run {
	const struct plan *plan;
	struct identity identity;
	struct filter filter; /* of every copy */
	struct guardian guardian;
	struct cgroup cgroup;
	struct rlimit files; /* RLIMIT_NOFILE of our caller */
	struct netlink route;
	struct netlink watch; /* news of links and addresses */
	struct nat nat;
	struct mac mac;                 /* of all links of this run on the host */
	struct address subnet, subnet6; /* subnet6: AF_UNSPEC on a host without IPv6 */
	unsigned int mtu;               /* of all links of this run, bytes */
	struct uplinks uplinks;
	char bridge[IFNAMSIZ];
	char table[32];
	unsigned int bridge_index;
	bool filters_bridge;              /* what is bridged goes through the IP hooks */
	char resolv_conf[NAMES_TEXT_MAX]; /* of every copy */
	struct member *members;           /* plan->copies of them */
	struct output output;
	int signals; /* signalfd */
};

/** The addresses in the subnet: 0 is the network's own; copy 1 has the one after these. */
enum {
	SUBNET_GATEWAY = 1,      /* the bridge */
	SUBNET_LOCAL_SOURCE = 2, /* stands in for 127.0.0.0/8 */
};

/** run_start() - check, then make everything. Return: 0 or a negative errno, reported. */
int run_start(struct run *run);

/** What the name of every run's bridge begins with; its index follows. */
#define RUN_BRIDGE_PREFIX "uva"

/** What the name of every run's nftables table begins with. */
#define RUN_TABLE_PREFIX "uva_container"

/** Name of a copy's link, inside. */
#define RUN_LINK_INSIDE "eth0"

/** run_make_network() - bridge, table, uplinks. Return: 0 or a negative errno, reported. */
int run_make_network(struct run *run);

/** run_make_link() - the link of a copy that has been spawned. Return: as above. */
int run_make_link(struct run *run, struct member *member);

/** run_update_uplinks() - links have got addresses: turn on those that need it. Return: as above.
 */
int run_update_uplinks(struct run *run);

/**
 * run_supervise() - copy the output, tell what happens, until asked to stop or no copy is left;
 * then end the copies
 *
 * Return: 0 if it was asked to stop, else a negative errno, reported.
 */
int run_supervise(struct run *run);

/**
 * run_stop() - take back everything that run_start() has made, as far as it came
 * Return: 0, or a negative errno where something could not be undone, reported.
 */
int run_stop(struct run *run);

/** run_nat_port() - the host port of a member and where it leads; names belong to the member. */
struct nat_port run_nat_port(const struct run *run, const struct member *member);

/** run_live_copies() - how many copies have not ended. */
unsigned int run_live_copies(const struct run *run);
