/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.h - all host ports of a run, whether a copy is behind them or not.
 */
#pragma once

#include "run/mapping.h"

struct ports {
	struct mapping **mappings; /* @count of them, in the order of their making; owned */
	size_t count;
	struct nat *nat; /* NULL: there is no table yet */
	bool has_new;    /* some are not held yet: for ports_hold() */
};

/**
 * ports_add() - reserve a host port for copy @number
 * @ret: owned by @ports
 *
 * Return: 0 or -errno, reported; then nothing has changed.
 */
int ports_add(struct ports *ports, struct nat_port port, uint16_t copy_port, unsigned int number,
	      struct mapping **ret);

/** ports_find() - Return: NULL: it is not one of ours. */
struct mapping *ports_find(const struct ports *ports, struct nat_port port);

/** ports_list() - all mappings that lead to copy @number, linked by @next. NULL: none. */
struct mapping *ports_list(const struct ports *ports, unsigned int number);

/** ports_remove() - let a port go, and free its mapping, which is in no copy's list any more. */
void ports_remove(struct ports *ports, struct mapping *mapping);

/** ports_check() - are all still free? Return: 0 or -errno, reported. */
int ports_check(const struct ports *ports);

/** ports_install() - the table will be there with the next commit: tell it all ports. */
void ports_install(struct ports *ports, struct nat *nat);

/**
 * ports_hold() - after a commit: keep everybody else away from the ports that are new in it
 * @ret_lost: one that somebody else has just taken; remove it, and call again
 *
 * Return: 0 or -errno, reported.
 */
int ports_hold(struct ports *ports, struct mapping **ret_lost);

/** ports_release() - let all go: the table has gone. Safe to repeat. */
void ports_release(struct ports *ports);
