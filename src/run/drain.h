/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drain.h - waits until the connections of a copy that gets no new ones have ended.
 *
 * There is no event for that, so this looks again and again, as look.c does.
 */
#pragma once

#include "run/copy.h"

/** drain_count() - how many TCP connections has a copy now? Return: as many; or -errno. */
int drain_count(struct copy *copy);

/** drain_begin() - the copy has become LIFE_DRAINING: begin to look. */
void drain_begin(struct copy *copy);

/** drain_look() - count the connections; if none is left, LIFE_DRAINED. */
void drain_look(struct copy *copy);

/** drain_end() - the copy drains no more: take it out of the table's list of those that do. */
void drain_end(struct copy *copy);

/** drain_tell_late() - the copy has had its time: say how many connections are cut. */
void drain_tell_late(const struct copy *copy);
