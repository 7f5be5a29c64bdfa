/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.h - what the kernel has counted: connections by the rules that translate them, bytes by
 * the links that they pass.
 *
 * All functions return 0 or -errno.
 */
#pragma once

#include <stdint.h>

#include "net/netlink.h"

/**
 * counters_read_rules() - the counters of all rules of a table
 * @nl:     a NETLINK_NETFILTER socket
 * @on_one: called for each rule that has a counter, with the name of its chain. In a chain of type
 *          nat a rule sees the first packet of a connection only, so @packets are connections.
 */
int counters_read_rules(struct netlink *nl, const char *table,
			void (*on_one)(void *data, const char *chain, uint64_t packets),
			void *data);

/**
 * counters_read_links() - the bytes that the ports of a bridge have passed
 * @nl:     a NETLINK_ROUTE socket
 * @bridge: its index
 * @on_one: called for each of its ports
 */
int counters_read_links(struct netlink *nl, unsigned int bridge,
			void (*on_one)(void *data, const char *link, uint64_t received,
				       uint64_t sent),
			void *data);
