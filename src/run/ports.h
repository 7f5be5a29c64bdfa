/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.h - all host ports of a run, also those that lead to no copy at the moment.
 */
#pragma once

#include "net/flows.h"
#include "rootless/gate.h"
#include "run/mapping.h"
#include "run/share.h"

struct ports {
	struct mapping **mappings; /* @count of them, in the order in which they were made; owned */
	size_t count;
	struct nat *nat; /* NULL: there is no table yet */
	bool has_new;    /* some are not held yet: ports_hold() has work to do */
	bool has_fresh;  /* some have flows from before they were ours */
	struct flows_stale
		*gone; /* @gone_count of them: flows of mappings that were removed; owned */
	size_t gone_count;
	struct flows_stale *again; /* @again_count of them: to look for once more; owned */
	size_t again_count;
};

/**
 * ports_add() - reserve a host port for copy @number
 * @ret: owned by @ports
 *
 * Return: 0 or -errno, reported; then nothing has changed.
 */
int ports_add(struct ports *ports, struct nat_port port, uint16_t copy_port, unsigned int number,
	      struct mapping **ret);

/**
 * ports_add_shared() - reserve a host port that leads to all copies; so far it has no members
 * @copies: as of share_new()
 * @ret:    the head of the share, owned by @ports
 *
 * Return: 0 or -errno, reported; then nothing has changed.
 */
int ports_add_shared(struct ports *ports, struct nat_port port, uint16_t copy_port,
		     enum plan_balance balance, unsigned int copies, struct mapping **ret);

/** ports_join() - a member of a share for copy @number. Return: 0 or -ENOMEM, reported. */
int ports_join(struct ports *ports, const struct mapping *head, unsigned int number,
	       struct mapping **ret);

/** ports_join_all() - one for each share that has none for it. Return: 0 or -ENOMEM, reported. */
int ports_join_all(struct ports *ports, unsigned int number);

/**
 * ports_settle() - before a commit: lead the shared ports to the copies that listen now
 * Return: as share_settle(), of any of them.
 */
bool ports_settle(struct ports *ports);

/** ports_smooth() - share_smooth() for all of them. */
void ports_smooth(struct ports *ports);

/**
 * ports_find() - find the mapping of a host port; of a shared one, the share's head
 * Return: NULL if it is not one of ours.
 */
struct mapping *ports_find(const struct ports *ports, struct nat_port port);

/** ports_list() - all mappings that lead to copy @number, linked by @next. Return: NULL: none. */
struct mapping *ports_list(const struct ports *ports, unsigned int number);

/**
 * ports_remove() - give a port up, and free its mapping. No copy may have it in its list.
 *
 * Of a shared port: a member, or the head, when there are no members left.
 */
void ports_remove(struct ports *ports, struct mapping *mapping);

/** ports_check() - are all ports still free? Return: 0 or -errno, reported. */
int ports_check(const struct ports *ports);

/**
 * ports_install() - add all ports to the table, which is made by the next commit
 * Return: 0; or -EOPNOTSUPP, reported: a port can lead nowhere on this host.
 */
int ports_install(struct ports *ports, struct nat *nat);

/**
 * ports_hold() - after a commit: keep all other programs away from the ports that are new in it
 * @ret_lost: a port that another program has just taken: remove it, and call this again
 *
 * Return: 0 or -errno, reported.
 */
int ports_hold(struct ports *ports, struct mapping **ret_lost);

/**
 * ports_end_flows() - after a commit: end the UDP flows that it has led elsewhere
 * @route: a NETLINK_ROUTE socket
 *
 * A client that never stops sending keeps its flow alive. If it has begun before the port was ours,
 * its datagrams do not reach the copy. If its mapping was removed, they still do. All that is to be
 * done of both is done at a time, when the first port leads to a copy, or a mapping was removed.
 *
 * A datagram or an answer that is under way can begin a flow that is not seen yet, and its client
 * keeps that one alive as well. So if @ports->again_count is not 0, call ports_end_flows_again()
 * some milliseconds later.
 *
 * Return: 0, also if nothing is to be done; or -errno, reported.
 */
int ports_end_flows(struct ports *ports, struct netlink *route);

/** ports_end_flows_again() - see ports_end_flows(). Return: 0 or -errno, reported. */
int ports_end_flows_again(struct ports *ports, struct netlink *route);

/** ports_wait_for_gate() - is a port, to which a copy listens, not open to IPv6 yet? */
bool ports_wait_for_gate(const struct ports *ports, const struct gate *gate);

/** ports_release() - the table is gone: give all ports up. Safe to repeat. */
void ports_release(struct ports *ports);
