/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subnet.h - the choice of a private network that this host does not use yet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"
#include "net/netlink.h"

/**
 * subnet_choose() - find a private IPv4 network that overlaps no route of any table and no address
 * @hosts: how many addresses it must offer
 *
 * Larger routes of the table main that only refuse (unreachable, blackhole, prohibit) do not count.
 *
 * Return: 0 or -errno, reported.
 */
int subnet_choose(struct netlink *nl, size_t hosts, struct address *ret);

/**
 * subnet_pick() - the choice itself. Pure.
 * @taken:  @count networks that @ret must not overlap. Those larger than any private range are
 *          ignored: a default route, or its two halves, cover everything.
 * @prefix: prefix length of the wanted network
 *
 * Return: false if the private ranges of RFC 1918 have no such network left.
 */
bool subnet_pick(const struct address *taken, size_t count, unsigned int prefix,
		 struct address *ret);
