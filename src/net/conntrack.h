/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.h - finding and forgetting the connections of addresses that are gone.
 *
 * All functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

#include "net/address.h"
#include "net/netlink.h"

struct conntrack_entry;

/** Entries that were found. */
struct conntrack_list {
	struct conntrack_entry *entries; /* owned */
	size_t count, size;
};

/**
 * conntrack_find() - list every entry that names a wanted address, in either direction
 * @nl:        a NETLINK_NETFILTER socket
 * @is_wanted: asked about every address of every entry, until it says yes
 * @list:      to be freed by conntrack_free(), also after a failure
 *
 * Goes through the kernel's whole hash table, which takes 10 ms and more, unless the namespace has
 * no entry at all.
 */
int conntrack_find(struct netlink *nl, bool (*is_wanted)(const struct address *address, void *data),
		   void *data, struct conntrack_list *list);

/** conntrack_delete() - delete what was found. What has expired meanwhile is no error. */
int conntrack_delete(struct netlink *nl, const struct conntrack_list *list);

/** conntrack_free() - Safe on zeros. */
void conntrack_free(struct conntrack_list *list);

/**
 * conntrack_forget() - delete every entry that names an address of one of these networks
 * @networks: @count of them, of either family
 */
int conntrack_forget(struct netlink *nl, const struct address *networks, size_t count);
