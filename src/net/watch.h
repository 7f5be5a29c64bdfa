/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - news of links, addresses, routes, routing rules and forwarding, whoever has changed
 * them.
 */
#pragma once

#include <stdbool.h>

#include "net/netlink.h"

enum watch_kind {
	WATCH_LINK_GONE,  /* deleted, or moved to another namespace */
	WATCH_CHANGE,     /* links, addresses, routes or rules: the uplinks may be others now */
	WATCH_FORWARDING, /* forwarding was turned on or off for the whole host */
	WATCH_LOST, /* the socket was full, and all news until now is lost: look at everything */
};

struct watch_event {
	enum watch_kind kind;
	unsigned int ifindex; /* WATCH_LINK_GONE */
	sa_family_t family;   /* WATCH_FORWARDING */
};

/** watch_open() - begin to listen. Return: 0 or -errno, reported. */
int watch_open(struct netlink *nl);

/**
 * watch_next() - take the next piece of news, without waiting
 * Return: false if there is none.
 */
bool watch_next(struct netlink *nl, struct watch_event *ret);
