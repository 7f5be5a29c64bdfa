/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gate.h - lets a plain user's run take place: in namespaces of its own, where this process may do
 * everything, with a gate to the network of the host.
 *
 * The gate is a process that stays in the host's network, and runs pasta(1) there. pasta takes the
 * connections to the host ports, and makes them anew in the run's network. The gate lives as long
 * as the manager or the guardian, and pasta as long as the gate: when process 1 of a pid namespace
 * ends, the kernel ends the others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/nat.h"

struct gate {
	pid_t pid;
	int pidfd;     /* -1: there is no gate: the run takes place in the host's own network */
	int socket;    /* to the gate; it lives until the last copy of this is closed */
	bool is_there; /* it has let in what was wanted at first */
	unsigned int asked, served; /* requests of gate_let_in() */
};

/** No gate. Start with this value: all functions but gate_receive() are then safe. */
#define GATE_NONE ((struct gate){.pidfd = -1, .socket = -1})

/**
 * gate_open() - bring this process into namespaces of its own, and start the gate
 * @ports: @count host ports, for the gate to take connections to
 *
 * This process keeps its user and its groups, gets all capabilities over its new namespaces (user,
 * network, mount, IPC, UTS), and the undo log a directory that only this run knows. All signals
 * must be blocked. The gate answers when pasta is ready.
 *
 * Return: 0 or -errno, reported: why a plain user cannot do this here, and what to do.
 */
int gate_open(struct gate *gate, const struct nat_port *ports, size_t count);

/**
 * gate_receive() - the gate's socket is readable: take its answer
 * Return: 0; -EAGAIN: there is none yet; -EPIPE: the gate has ended, reported; or another -errno,
 * reported.
 */
int gate_receive(struct gate *gate);

/**
 * gate_let_in() - take IPv6 connections to a host port, too
 * @port: one of gate_open(), without its address; nothing happens if that is an IPv4 address
 *
 * Only when a copy listens there: pasta accepts a connection before it knows whether somebody takes
 * it in the run's network. A program that finds no IPv6 port turns to IPv4, one that loses its
 * connection does not.
 *
 * Return: 0: the gate will answer; -EAGAIN (unreported): it has much to do, ask again; or another
 * -errno, reported.
 */
int gate_let_in(struct gate *gate, const struct nat_port *port);

/** gate_is_busy() - is an answer to gate_let_in() still to come? */
bool gate_is_busy(const struct gate *gate);

/** gate_tell() - tell the user what differs from a run with root, and how to look inside */
void gate_tell(const struct gate *gate);

/** gate_close() - end the gate, and wait for its end. The guardian must have ended. */
void gate_close(struct gate *gate);
