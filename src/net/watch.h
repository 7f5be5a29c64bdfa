/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - news of links and addresses, made by whomever.
 */
#pragma once

#include <stdbool.h>

#include "net/netlink.h"

enum watch_kind {
	WATCH_LINK_GONE,   /* deleted, or moved to another namespace */
	WATCH_ADDRESS_NEW, /* a link has an address that it did not have */
	WATCH_LOST,        /* there was more news than the socket could hold: look for yourself */
};

struct watch_event {
	enum watch_kind kind;
	unsigned int ifindex;
};

/** watch_open() - begin to listen. Return: 0 or a negative errno, which is reported. */
int watch_open(struct netlink *nl);

/**
 * watch_next() - take the next piece of news
 * Return: whether there was one.
 */
bool watch_next(struct netlink *nl, struct watch_event *ret);
