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
 * names_filter() - a resolv.conf for a copy, of one of the host's
 * @text:      the host's
 * @is_usable: whether a copy would reach the server at @address
 * @filtered:  NAMES_TEXT_MAX bytes; all lines of @text but those with a server of no use
 *
 * A server on a loopback address means the host's own resolver, which a copy does not reach. If no
 * server is left, a lookup fails at once, instead of after a time-out.
 *
 * Return: whether a server is left.
 */
bool names_filter(const char *text, bool (*is_usable)(const struct address *address, void *data),
		  void *data, char *filtered);

/**
 * names_read() - the resolv.conf for a copy on this host
 *
 * Where /etc/resolv.conf names the resolver of systemd-resolved only, that one's own servers are
 * taken (/run/systemd/resolve/resolv.conf, man 8 systemd-resolved).
 */
void names_read(bool (*is_usable)(const struct address *address, void *data), void *data,
		char *filtered);
