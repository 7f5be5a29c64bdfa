/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refusal.h - connections to ports of ours that lead nowhere are refused, not left to hang. Pure.
 */
#pragma once

#include "net/batch.h"

/** Name of the chain that refuses what is for this host, and lets all else pass. */
#define REFUSAL_CHAIN "refuse"

/** Shown beside each rule that leads there. */
#define REFUSAL_COMMENT "a port of ours, but no copy behind it: refuse"

/** refusal_add() - the chains for ports of all addresses: `unmapped`, `unmapped-here`, `refuse` */
void refusal_add(struct nft_batch *batch);
