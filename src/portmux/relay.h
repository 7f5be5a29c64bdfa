/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay.h - carries bytes from one descriptor to another, without waiting for either.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>

#include "base/stream.h"

struct relay {
	int from; /* owned; -1: nothing more comes */
	struct stream to;
	size_t left;    /* bytes that may still come */
	bool has_ended; /* nothing more comes, and all of it is written */
};

/** A relay that carries nothing. Start with this value: relay_close() is then always safe. */
#define RELAY_NONE ((struct relay){.from = -1, .to = {.fd = -1}, .has_ended = true})

/** relay_to_ours() - carry on to a standard stream. @from: taken over. */
void relay_to_ours(struct relay *relay, int from, int to);

/** relay_from_ours() - carry from a standard stream. @to: non-blocking, taken over. */
void relay_from_ours(struct relay *relay, int from, int to);

/** relay_ask() - what to poll(2) for: two entries. */
void relay_ask(const struct relay *relay, struct pollfd events[2]);

/**
 * relay_move() - carry what there is, after poll(2)
 *
 * When nothing more comes, or nobody takes it any more, both ends are closed.
 */
void relay_move(struct relay *relay, const struct pollfd events[2]);

/**
 * relay_finish() - the one who wrote has ended: carry what it has left, and not for ever what
 * others still write
 */
void relay_finish(struct relay *relay);

/** relay_close() - close both ends. Safe to repeat. */
void relay_close(struct relay *relay);
