/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.h - the host's side of a run's network: bridge, table, uplinks, and the news of them.
 * What a copy has of it: attachment.h.
 */
#pragma once

#include <stdint.h>

#include "base/loop.h"
#include "host/guardian.h"
#include "host/log.h"
#include "host/names.h"
#include "host/uplinks.h"
#include "net/guard.h"
#include "net/nat.h"
#include "plan.h"
#include "run/bridge.h"

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
	struct loop_timer update; /* of the uplinks: something has changed */
	struct nat nat;
	struct loop_timer sweep; /* of chains that are not used any more */
	bool is_sweep_due;
	struct bridge bridge;
	struct uplinks uplinks;
	char table[32], guard[GUARD_TABLE_MAX];
	bool is_installed; /* network_install() has succeeded */
	int commit_err;    /* for network_commit() to return */
	bool is_closing;   /* news is none any more */
	char resolv_conf[NAMES_TEXT_MAX];
	uint8_t *hosts; /* a bit for each number of an address that is taken; owned */
	unsigned int host_count, last_host;
	struct attachment *attachments[NETWORK_BUCKETS]; /* those with a link, by its ifindex */
	void (*on_bridge_gone)(void *data);
	void *data;
};

/** network_names_are_taken() - for guardian_start(): @plan's names for a run with this index. */
bool network_names_are_taken(unsigned int index, void *plan);

/**
 * network_open() - make the bridge, and begin the table (nat_open())
 * @on_bridge_gone: somebody has deleted it; may be called until network_close()
 *
 * The guardian must have answered. Each change is in the log before it is made.
 *
 * Return: 0 or -errno, reported.
 */
int network_open(struct network *network, const struct plan *plan, struct loop *loop,
		 struct log *log, struct guardian *guardian, void (*on_bridge_gone)(void *data),
		 void *data);

/** network_install() - make the table, with what is in it by now; let the LAN in. Return: as above.
 */
int network_install(struct network *network);

/** network_close() - remove the table; let go of the sockets. Links and the rest are the log's. */
void network_close(struct network *network);

/** network_sweep_later() - backends have been removed: delete their chains some time later. */
void network_sweep_later(struct network *network);

/** network_commit() - after network_install(): make the changes of the table that were asked for
 * since the last time. Return: 0 or -errno, reported. */
int network_commit(struct network *network);
