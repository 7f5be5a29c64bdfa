/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - how a copy resolves names: its /etc/resolv.conf and /etc/hosts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

/** Room for a resolv.conf; glibc reads three servers and six domains of it. */
enum { NAMES_TEXT_MAX = 4096 };

/** Of a longer /etc/hosts a copy does not get the end: it has its own in memory, as every copy. */
enum { NAMES_HOSTS_MAX = 1 << 20 };

/** Room for names_format_own(). */
enum { NAMES_OWN_MAX = 2 * (ADDRESS_TEXT_MAX + 64) };

/**
 * names_filter() - make a copy's resolv.conf from one of the host's
 * @text:      the host's resolv.conf
 * @is_usable: would a copy reach the server at @address?
 * @filtered:  NAMES_TEXT_MAX bytes for all lines of @text, except servers that a copy does not
 *             reach
 *
 * A server on a loopback address is the host's own resolver, which a copy does not reach. If no
 * server is left, a lookup fails at once, instead of after a time-out.
 *
 * Return: true if a server is left.
 */
bool names_filter(const char *text, bool (*is_usable)(const struct address *address, void *data),
		  void *data, char *filtered);

/**
 * names_read() - make the resolv.conf for a copy on this host
 *
 * If /etc/resolv.conf names only the resolver of systemd-resolved, the servers are used that
 * systemd-resolved itself uses (/run/systemd/resolve/resolv.conf, man 8 systemd-resolved).
 */
void names_read(bool (*is_usable)(const struct address *address, void *data), void *data,
		char *filtered);

/** names_read_hosts() - the lines of this host's /etc/hosts. Return: owned; NULL: there is none. */
char *names_read_hosts(void);

/**
 * names_format_own() - the lines of /etc/hosts by which a copy knows its own name
 * @name:  of less than 64 bytes
 * @lines: NAMES_OWN_MAX bytes
 *
 * Servers ask for their own name at their start (socket.getfqdn() in Python's http.server). No
 * name server knows it, and where none answers, the answer would take many seconds.
 */
void names_format_own(const char *name, const struct address *address,
		      const struct address *address6, char *lines);
