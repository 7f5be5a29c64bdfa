/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h - answers that are routed by the address of this host that was called.
 *
 * The kernel translates an answer's source only after it has routed it. So the host's routing rules
 * see a copy's own address there (`from 203.0.113.1 lookup 101` does not match). The answer gets a
 * mark instead, for a rule that says the same of the mark. It loses the mark as soon as it is
 * routed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/batch.h"

/** An address of this host, and the mark of the answers to those who have called it. */
struct answer {
	struct address address;
	uint32_t mark;
};

/**
 * answer_add_chains() - make the two chains, or take all rules out of those that are there
 */
void answer_add_chains(struct nft_batch *batch);

/** answer_add() - add the rules for one address. @bridge: the copies are behind this link. */
void answer_add(struct nft_batch *batch, const struct answer *answer, const char *bridge);
