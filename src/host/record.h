/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - the records of the undo log: what a run is about to change on the host. Pure.
 *
 * A record is a line of text. How lines are kept in a file: log.h.
 *
 *	links 02:5e:10:00:53:01          delete the links with this MAC address
 *	conntrack 10.90.0.0/24 fd00::/64 forget the connections of these networks
 *	uplink ipv4 2                    turn the forwarding of link 2 off again
 *	lro 2                            let link 2 do large receive offload again
 *	directory /tmp/project           remove this directory if it is empty
 *	cgroup /sys/fs/cgroup/a.service  remove the control groups below it
 *	guard uva_guard_025e10005301     delete this table, when no uplink forwards any more
 *	rules uva0 10.90.0.0/24 fd00::/64
 *	                                 delete our routing rules for this link and these networks
 */
#pragma once

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>

#include "net/address.h"
#include "net/guard.h"
#include "net/link.h"

enum record_kind {
	RECORD_LINKS,
	RECORD_CONNTRACK,
	RECORD_UPLINK,
	RECORD_DIRECTORY,
	RECORD_CGROUP,
	RECORD_GUARD,
	RECORD_RULES,
	RECORD_LRO,
};

struct record {
	enum record_kind kind;
	sa_family_t family;         /* RECORD_UPLINK: AF_INET, AF_INET6 */
	unsigned int ifindex;       /* RECORD_UPLINK, RECORD_LRO */
	struct mac mac;             /* RECORD_LINKS */
	struct address networks[2]; /* RECORD_CONNTRACK, RECORD_RULES: IPv4, IPv6 */
	char path[PATH_MAX];        /* RECORD_DIRECTORY, RECORD_CGROUP; no newline */
	char table[NFT_TABLE_MAX];  /* RECORD_GUARD */
	char link[IFNAMSIZ];        /* RECORD_RULES */
};

/** Room for the line of any record. */
enum { RECORD_LINE_MAX = PATH_MAX + 32 };

/** record_format() - write a record as its line, with the newline, in RECORD_LINE_MAX bytes. */
void record_format(const struct record *record, char *line);

/**
 * record_parse() - read a record from its line, without the newline.
 * Return: false if it is none.
 */
bool record_parse(const char *line, struct record *ret);
