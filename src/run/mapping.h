/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping.h - a host port that leads to a port of one copy.
 *
 * The host port is held from mapping_open() to mapping_close(), whatever becomes of the copy: while
 * nothing leads on from it, connections are refused.
 */
#pragma once

#include "host/reserve.h"
#include "net/nat.h"

struct mapping {
	struct nat_port port; /* on the host */
	uint16_t copy_port;
	unsigned int copy; /* number of the copy that it leads to */
	struct reservation reservation;
	struct nat *nat; /* NULL: the table does not know the port yet */
	bool is_held;    /* mapping_hold() was called */
	char chain[NAT_CHAIN_MAX];
	char *comment; /* owned */
	struct nat_backend backend;
	bool has_backend;  /* the backend's chain is there */
	bool has_ipv6;     /* and leads on over IPv6 too */
	bool is_published; /* connections are led to it */
	struct mapping *next;
};

/**
 * mapping_open() - reserve the host port (reserve.h)
 * Return: 0 or -errno, reported. mapping_close() in any case.
 */
int mapping_open(struct mapping *mapping, struct nat_port port, unsigned int copy,
		 uint16_t copy_port);

/** mapping_check() - is the port still free? Return: 0 or -errno, reported. */
int mapping_check(const struct mapping *mapping);

/** mapping_install() - have the table refuse what comes to the port, with the next nat_commit(). */
void mapping_install(struct mapping *mapping, struct nat *nat);

/** mapping_hold() - after that commit: keep everybody else away. Return: 0 or -errno, reported. */
int mapping_hold(struct mapping *mapping);

/**
 * mapping_aim() - make the backend that it will lead to
 * @name:     of the backend's chain
 * @comment:  copied
 * @to, @to6: addresses of the copy; @to6 may be AF_UNSPEC
 *
 * Return: 0 or -ENOMEM, reported.
 */
int mapping_aim(struct mapping *mapping, const char *name, const char *comment,
		const struct address *to, const struct address *to6);

/** What was found out about the copy's port. */
struct mapping_listens {
	bool ipv4, ipv6;
};

/**
 * mapping_follow() - lead connections to the backend while it listens, and only then
 *
 * Over IPv6 only from when it has listened there. A backend that has ended that again refuses by
 * itself.
 */
void mapping_follow(struct mapping *mapping, struct mapping_listens listens);

/** mapping_withdraw() - lead no new connections to the backend. Safe to repeat. */
void mapping_withdraw(struct mapping *mapping);

/**
 * mapping_unaim() - the copy has gone: forget the backend
 *
 * Its chain is to be swept (nat_sweep()). Safe to repeat.
 */
void mapping_unaim(struct mapping *mapping);

/** mapping_close() - let the port go, and free what it holds. Safe to repeat. */
void mapping_close(struct mapping *mapping);
