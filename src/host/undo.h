/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo.h - the undo log: what a run is about to change on the host, and how that is taken back.
 *
 * It is a write-ahead log. A record is in the file before its change is made, so whoever reads the
 * file knows of every change there can be, whatever killed the writer. Undoing is idempotent, and
 * touches nothing that is not known to be ours: a link by the run's random MAC address, a parameter
 * only while it has the value that we gave it.
 *
 * The file is text, a record a line; man 5 style:
 *
 *	links 02:5e:10:00:53:01               delete the links with this MAC address
 *	conntrack 10.90.0.0/24                forget the connections of this network
 *	sysctl 0 1 net/ipv4/conf/eth0/forwarding    put 0 back if it is still 1
 *	directory /tmp/project                remove this directory if it is empty
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "host/sysctl.h"
#include "net/address.h"
#include "net/link.h"

enum undo_kind {
	UNDO_LINKS,
	UNDO_CONNTRACK,
	UNDO_SYSCTL,
	UNDO_DIRECTORY,
};

struct undo_record {
	enum undo_kind kind;
	struct mac mac;         /* UNDO_LINKS */
	struct address network; /* UNDO_CONNTRACK */
	char path[PATH_MAX];    /* UNDO_SYSCTL, UNDO_DIRECTORY; without a newline */
	char before[SYSCTL_VALUE_MAX], after[SYSCTL_VALUE_MAX]; /* UNDO_SYSCTL; single words */
};

/** Room for the line of any record. */
enum { UNDO_LINE_MAX = PATH_MAX + 2 * SYSCTL_VALUE_MAX + 32 };

/** undo_format() - a record as its line, with the newline, in UNDO_LINE_MAX bytes. Pure. */
void undo_format(const struct undo_record *record, char *line);

/** undo_parse() - a line (without newline) as its record. Pure. Return: false where it is none. */
bool undo_parse(const char *line, struct undo_record *ret);

/** undo_note_links() - record, before the first is made, that links with @mac will be. */
int undo_note_links(int log, const struct mac *mac);
/** undo_note_conntrack() - record that there will be connections of @network. */
int undo_note_conntrack(int log, const struct address *network);
/** undo_note_sysctl() - record that parameter @path, now @before, will be set to @after. */
int undo_note_sysctl(int log, const char *path, const char *before, const char *after);
/** undo_note_directory() - record that the directory @path, absolute, will be made. */
int undo_note_directory(int log, const char *path);

/**
 * undo_play() - take back everything that the log names, the newest first
 * @log: readable; the first line is the file's header and is skipped
 *
 * Goes on after a failure. Return: 0, or the first error; each is reported.
 */
int undo_play(int log);
