/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - finds and deletes conntrack entries: of addresses that are gone, of flows that must
 * find another way.
 *
 * All functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"
#include "net/netlink.h"

struct conntrack_entry;

/** One end of a connection. */
struct conntrack_end {
	struct address address; /* AF_UNSPEC: not said */
	uint16_t port;          /* 0: a protocol without ports */
};

/** What the packets of one direction have in their headers, as they arrive. */
struct conntrack_way {
	uint8_t protocol; /* IPPROTO_* */
	struct conntrack_end from, to;
};

/**
 * What an entry says. Without any translation, @reply is @original the other way round. If the
 * destination was translated, @reply.from is the new one.
 */
struct conntrack_flow {
	struct conntrack_way original, reply;
	bool is_over; /* TCP: no side can send or receive any more */
};

/** Entries that were found. */
struct conntrack_list {
	struct conntrack_entry *entries; /* owned */
	size_t count, size;
};

/**
 * conntrack_find() - list every entry that is wanted
 * @nl:        a NETLINK_NETFILTER socket
 * @is_wanted: called for each entry
 * @list:      to be freed by conntrack_free(), also after a failure
 *
 * The kernel goes through its whole hash table for this, which takes 10 ms and more. If the
 * namespace has no entry at all, it is not asked.
 */
int conntrack_find(struct netlink *nl,
		   bool (*is_wanted)(const struct conntrack_flow *flow, void *data), void *data,
		   struct conntrack_list *list);

/**
 * conntrack_any_address() - is one of the addresses wanted that @flow names, in either direction?
 * @is_wanted: called for each address, until it returns true
 */
bool conntrack_any_address(const struct conntrack_flow *flow,
			   bool (*is_wanted)(const struct address *address, void *data),
			   void *data);

/** conntrack_is_empty() - has this namespace no entry at all? */
bool conntrack_is_empty(void);

/**
 * conntrack_delete() - delete the entries of @list. If one has expired meanwhile, that is no error.
 */
int conntrack_delete(struct netlink *nl, const struct conntrack_list *list);

/** conntrack_free() - free the entries of @list. Safe on zeros. */
void conntrack_free(struct conntrack_list *list);

/**
 * conntrack_forget() - delete every entry that names an address of one of these networks
 * @networks: @count of them, of either family
 */
int conntrack_forget(struct netlink *nl, const struct address *networks, size_t count);
