/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - how a copy resolves names: its /etc/resolv.conf.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

/** Room for a resolv.conf; glibc reads three servers and six domains of it. */
enum { NAMES_TEXT_MAX = 4096 };

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
