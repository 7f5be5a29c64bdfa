/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bound.h - the part of the table that is about host ports of one address. Pure.
 *
 * A table gets it for a family with the first such port.
 */
#pragma once

#include <stdbool.h>

#include "net/batch.h"
#include "net/port.h"

/** bound_published() - name of the verdict map that leads a host port to a backend. */
const char *bound_published(const struct nat_port *port);

/** bound_reserved() - name of the set of host ports of this run that this one belongs to. */
const char *bound_reserved(const struct nat_port *port);

/**
 * bound_add() - add the sets and the rules for ports of one address of a family
 * @is_forwarded: connections from elsewhere can lead to a backend
 *
 * The table, as ruleset_add_all() makes it, must be there, or in the batch.
 */
void bound_add(struct nft_batch *batch, sa_family_t family, bool is_forwarded);
