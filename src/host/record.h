/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - the records of the undo log: what a run is about to change on the host.
 *
 * It is a write-ahead log. A record is in the file before its change is made, so whoever reads the
 * file knows of every change there can be, whatever killed the writer.
 *
 * The file is text, a record a line:
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
	unsigned int index;         /* RECORD_RULES */
	struct mac mac;             /* RECORD_LINKS */
	struct address networks[2]; /* RECORD_CONNTRACK: IPv4, IPv6 */
	char path[PATH_MAX];        /* RECORD_SYSCTL, RECORD_DIRECTORY, RECORD_CGROUP; no newline */
	char before[SYSCTL_VALUE_MAX], after[SYSCTL_VALUE_MAX]; /* RECORD_SYSCTL; single words */
};

/** Room for the line of any record. */
enum { RECORD_LINE_MAX = PATH_MAX + 2 * SYSCTL_VALUE_MAX + 32 };

/** record_format() - a record as its line, with the newline, in RECORD_LINE_MAX bytes. Pure. */
void record_format(const struct record *record, char *line);

/** record_parse() - a line (without newline) as its record. Pure. Return: false where it is none.
 */
bool record_parse(const char *line, struct record *ret);

/** record_note_links() - record, before the first is made, that links with @mac will be. */
int record_note_links(int log, const struct mac *mac);
/** record_note_conntrack() - record that there will be connections of these networks. */
int record_note_conntrack(int log, const struct address networks[2]);
/** record_note_sysctl() - record that parameter @path, now @before, will be set to @after. */
int record_note_sysctl(int log, const char *path, const char *before, const char *after);
/** record_note_cgroup() - record that the control group at @path, absolute, will be divided. */
int record_note_cgroup(int log, const char *path);
/** record_note_rules() - record that there will be routing rules of run @index. */
int record_note_rules(int log, unsigned int index);
/** record_note_directory() - record that the directory @path, absolute, will be made. */
int record_note_directory(int log, const char *path);

/**
 * record_find_sysctl() - does the log name this parameter?
 * @ret_before: SYSCTL_VALUE_MAX bytes for the value that it had before; may be NULL
 */
bool record_find_sysctl(int log, const char *path, char *ret_before);

/**
 * record_read_all() - the whole text of a log
 * Return: a string to free(), or NULL with errno set.
 */
char *record_read_all(int log);
