/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - the records of the undo log: what a run is about to change on the host. Pure.
 *
 * A record is a line of text; how lines are kept in a file is the business of log.h:
 *
 *	links 02:5e:10:00:53:01               delete the links with this MAC address
 *	conntrack 10.90.0.0/24 fd00::/64                forget the connections of this network
 *	sysctl 0 1 net/ipv4/conf/eth0/forwarding    put 0 back if it is still 1
 *	directory /tmp/project                remove this directory if it is empty
 *	cgroup /sys/fs/cgroup/a.service       take the groups below it away again
 *	rules 0                               delete the routing rules of run 0 (net/rule.h)
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/sysctl.h"
#include "net/address.h"
#include "net/link.h"

enum record_kind {
	RECORD_LINKS,
	RECORD_CONNTRACK,
	RECORD_SYSCTL,
	RECORD_DIRECTORY,
	RECORD_CGROUP,
	RECORD_RULES,
};

struct record {
	enum record_kind kind;
	unsigned int index;         /* RECORD_RULES: less than RECORD_INDEX_MAX */
	struct mac mac;             /* RECORD_LINKS */
	struct address networks[2]; /* RECORD_CONNTRACK: IPv4, IPv6 */
	char path[PATH_MAX];        /* RECORD_SYSCTL, RECORD_DIRECTORY, RECORD_CGROUP; no newline */
	char before[SYSCTL_VALUE_MAX], after[SYSCTL_VALUE_MAX]; /* RECORD_SYSCTL; single words */
};

/** Room for the line of any record. */
enum { RECORD_LINE_MAX = PATH_MAX + 2 * SYSCTL_VALUE_MAX + 32 };

/** Runs of one network namespace have an index below this one. */
enum { RECORD_INDEX_MAX = 90 };

/** record_format() - a record as its line, with the newline, in RECORD_LINE_MAX bytes. */
void record_format(const struct record *record, char *line);

/** record_parse() - a line (without newline) as its record. Return: false where it is none. */
bool record_parse(const char *line, struct record *ret);
