/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buckets.h - the part of the table for a host port that leads to many backends. Pure.
 *
 * Each new connection falls into one of a fixed number of buckets, by a number or by where it comes
 * from. A map leads each bucket to the chain of a backend. So backends come and go by changes of
 * elements, and a connection costs the same with two backends and with hundreds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/batch.h"

/** Which bucket a new connection falls into. */
enum buckets_by {
	BUCKETS_ROUND_ROBIN, /* the one after the last connection's: `numgen inc` */
	BUCKETS_RANDOM,      /* `numgen random` */
	BUCKETS_SOURCE,      /* one that follows from its source address: `jhash ip saddr` */
};

struct buckets {
	const char *chain; /* names of the chain that chooses, and of the map */
	const char *map;
	const char *comment; /* of both */
	enum buckets_by by;
	uint32_t count;
};

/** A change of a bucket. */
struct buckets_change {
	uint32_t number;   /* from 0 on */
	bool is_led;       /* it leads somewhere already */
	const char *chain; /* where it is to lead; NULL: nowhere */
};

/** buckets_add() - create the chain and the map, which is empty: nothing may lead there yet. */
void buckets_add(struct nft_batch *batch, const struct buckets *buckets);

/** buckets_change() - lead buckets elsewhere. @changes: @count of them */
void buckets_change(struct nft_batch *batch, const char *map, const struct buckets_change *changes,
		    size_t count);

/** buckets_clear() - empty the chain and the map. Both can be deleted later. */
void buckets_clear(struct nft_batch *batch, const char *chain, const char *map);
