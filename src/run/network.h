/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.h - the host's side of a run's network: bridge, table, uplinks, and news of links.
 * What each copy has of it: attachment.h.
 */
#pragma once

#include <stdint.h>

#include "base/loop.h"
#include "host/guardian.h"
#include "host/log.h"
#include "host/names.h"
#include "host/policy.h"
#include "host/uplinks.h"
#include "net/guard.h"
#include "net/nat.h"
#include "plan.h"
#include "run/bridge.h"
#include "run/firewalls.h"

struct attachment;

enum { NETWORK_BUCKETS = 256 };

struct network {
	const struct plan *plan;
	struct loop *loop;
	struct log *log;
	struct guardian *guardian;
	struct netlink route;
	struct netlink news; /* of links and addresses */
	struct loop_source news_source;
	struct loop_timer update; /* when to look for uplinks again, after a change */
	struct nat nat;
	struct loop_timer sweep; /* of the table's unused chains */
	bool is_sweep_due;
	struct bridge bridge;
	struct uplinks uplinks;
	struct policy policy;
	struct firewalls firewalls;
	char table[NFT_TABLE_MAX], guard[NFT_TABLE_MAX];
	bool is_installed; /* network_install() has succeeded */
	int commit_err;    /* network_commit() returns it */
	bool is_closing;   /* do not act on news any more */
	char resolv_conf[NAMES_TEXT_MAX];
	char *hosts_file; /* text of /etc/hosts; owned; NULL: there is none */
	uint8_t *hosts;   /* a bit for each number of an address that is taken; owned */
	unsigned int host_count, last_host;
	struct attachment *attachments[NETWORK_BUCKETS]; /* those with a link, by its ifindex */
	void (*on_bridge_gone)(void *data);
	void *data;
};

/**
 * network_names_are_taken() - does somebody use the names of the run with this index?
 * @plan: a struct plan: for guardian_start()
 */
bool network_names_are_taken(unsigned int index, void *plan);

/**
 * network_open() - make the bridge, and begin the table (nat_open())
 * @on_bridge_gone: called when somebody has deleted the bridge; not after network_close()
 *
 * The guardian must have answered. Each change is in the log before it is made.
 *
 * Return: 0 or -errno, reported.
 */
int network_open(struct network *network, const struct plan *plan, struct loop *loop,
		 struct log *log, struct guardian *guardian, void (*on_bridge_gone)(void *data),
		 void *data);

/**
 * network_install() - make the table with everything that was added to it; let the LAN in
 * Return: 0 or -errno, reported.
 */
int network_install(struct network *network);

/** network_close() - remove the table, close the sockets. The log undoes the links and the rest. */
void network_close(struct network *network);

/** network_sweep_later() - backends were removed: delete their chains some time later. */
void network_sweep_later(struct network *network);

/**
 * network_commit() - after network_install(): make the changes of the table since the last commit
 * Return: 0 or -errno, reported.
 */
int network_commit(struct network *network);
