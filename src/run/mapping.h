/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping.h - a host port that leads to a port of one copy, or of all that share it (share.h).
 *
 * The host port is held from mapping_open() to mapping_close(), also when the copy has ended. While
 * it leads to no copy, connections are refused.
 */
#pragma once

#include "host/reserve.h"
#include "net/nat.h"

struct share;

struct mapping {
	struct nat_port port; /* on the host */
	uint16_t copy_port;
	unsigned int copy;   /* number of the copy that it leads to; 0: it is the head of a share */
	struct share *share; /* NULL: the port leads to this copy alone */
	size_t seat;         /* for share.c: which of the members it is */
	bool has_led;        /* a member that is out, whose UDP flows are to end (ports.h) */
	struct reservation reservation;
	struct nat *nat; /* NULL: the table does not know the port yet */
	bool is_held;    /* mapping_hold() was called */
	char chain[NAT_CHAIN_MAX];
	char *comment; /* owned */
	struct nat_backend backend;
	bool has_backend;  /* the backend's chain is there */
	bool has_ipv6;     /* the chain has a rule for IPv6 too */
	bool is_let_in;    /* the gate has been told of IPv6 */
	bool is_fresh;     /* UDP: flows from before it was ours were not ended yet (ports.h) */
	bool is_published; /* new connections are led to the backend */
	struct mapping *next;
};

/**
 * mapping_open() - reserve the host port (reserve.h)
 * Return: 0 or -errno, reported. Call mapping_close() in any case.
 */
int mapping_open(struct mapping *mapping, struct nat_port port, unsigned int copy,
		 uint16_t copy_port);

/** mapping_join() - be a member of a share, whose head holds the port. Not for mapping_hold(). */
void mapping_join(struct mapping *mapping, const struct mapping *head, unsigned int copy);

/** mapping_holder() - the mapping that holds the port: the head of a share; else this one. */
struct mapping *mapping_holder(struct mapping *mapping);

/** mapping_holds_port() - does it hold its port itself? A member of a share does not. */
bool mapping_holds_port(const struct mapping *mapping);

/** mapping_check() - is the port still free? Return: 0 or -errno, reported. */
int mapping_check(const struct mapping *mapping);

/**
 * mapping_install() - let the table refuse connections to the port, from the next nat_commit() on.
 */
void mapping_install(struct mapping *mapping, struct nat *nat);

/**
 * mapping_hold() - after that commit: keep all other programs away from the port
 * Return: 0 or -errno, reported.
 */
int mapping_hold(struct mapping *mapping);

/**
 * mapping_aim() - make the backend that the port will lead to
 * @name:     of the backend's chain
 * @comment:  copied
 * @to, @to6: addresses of the copy; @to6 may be AF_UNSPEC
 *
 * Return: 0 or -ENOMEM, reported.
 */
int mapping_aim(struct mapping *mapping, const char *name, const char *comment,
		const struct address *to, const struct address *to6);

/** Does the copy listen at its port? */
struct mapping_listens {
	bool ipv4, ipv6;
};

/**
 * mapping_follow() - lead connections to the backend while it listens, and refuse them otherwise
 *
 * Connections over IPv6 are led to it as soon as it has listened on IPv6 once. If it stops
 * listening there, the backend itself refuses them.
 */
void mapping_follow(struct mapping *mapping, struct mapping_listens listens);

/** mapping_withdraw() - lead no new connections to the backend. Safe to repeat. */
void mapping_withdraw(struct mapping *mapping);

/**
 * mapping_unaim() - the copy is gone: forget the backend
 *
 * Call nat_sweep() later, which deletes its chain. Safe to repeat.
 */
void mapping_unaim(struct mapping *mapping);

/** mapping_close() - give the port up, and free everything. Safe to repeat. */
void mapping_close(struct mapping *mapping);
