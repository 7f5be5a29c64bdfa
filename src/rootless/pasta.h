/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pasta.h - runs pasta(1), of the package passt, for one address family.
 *
 * It connects a network namespace to the network that it is started in, with no privilege there.
 * The oldest version that this is for is that of Debian 12 (March 2023).
 *
 * The addresses that it gives the run's network are our own, not copies of the host's as by
 * default. So the host may have any address and route, none, or others later; all versions of pasta
 * do the same; and clients on the host itself are seen by the address that they have.
 */
#pragma once

#include "net/nat.h"

enum {
	PASTA_PATH_MAX = 128,    /* a path of ours, for a network namespace */
	PASTA_MESSAGE_MAX = 512, /* what is kept of its messages */
};

/** Host ports of one protocol and one address. */
struct pasta_ports {
	uint8_t protocol;
	char *spec; /* "0.0.0.0/8081,8082"; owned */
};

struct pasta {
	sa_family_t family;
	pid_t pid;                 /* 0: it does not run */
	struct pasta_ports *ports; /* @port_count of them; owned */
	size_t port_count;
	char message[PASTA_MESSAGE_MAX];
};

/**
 * pasta_check() - is there a pasta, and the device that it needs?
 * Return: 0 or -errno, reported.
 */
int pasta_check(void);

/**
 * pasta_is_possible() - is there an address of this family for it to listen on?
 * Return: 1, 0 or -errno, reported.
 */
int pasta_is_possible(const struct pasta *pasta);

/**
 * pasta_add_port() - a port for the next pasta_start()
 * @port: of one address of this family, or of all
 *
 * Return: 0 or -ENOMEM, reported.
 */
int pasta_add_port(struct pasta *pasta, const struct nat_port *port);

/**
 * pasta_start() - start it, and wait until it is ready or has ended
 * @network: path of the network namespace
 * @other:   the pid of the caller's other child; 0: it has none
 * @gone:    a socket; when its other end is closed, there is nothing to wait for any more
 *
 * The caller is process 1 of a pid namespace, and this namespace's /proc is mounted. pasta is its
 * child then, to be waited for.
 *
 * Return: 0; -ECHILD: it has ended: call pasta_report(); -ECANCELED: @gone; or another -errno,
 * reported: there may be a process of it.
 */
int pasta_start(struct pasta *pasta, const char *network, pid_t other, int gone);

/** pasta_report() - say why it could not be started. Return: -ECHILD. */
int pasta_report(const struct pasta *pasta);

/** pasta_stop() - end it, and wait for its end. Safe to repeat. Return: 0 or -errno, reported. */
int pasta_stop(struct pasta *pasta);

/** pasta_free() - free the memory; pasta lives on. */
void pasta_free(struct pasta *pasta);
