/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper.h - the gate's process, which runs pasta: for gate.c.
 */
#pragma once

#include <stddef.h>

#include "net/nat.h"

/**
 * keeper_main() - the life of the gate's process, which is process 1 of a pid namespace
 * @socket: to the manager. It receives one byte with a descriptor of the network namespace, then
 *          the ports to let IPv6 into (struct nat_port), and sends how many of them it has
 *          (unsigned int); 0 when pasta is ready.
 * @ports:  @count host ports: to let IPv4 into, unless they are of an IPv6 address
 *
 * Return: the process's exit status: EXIT_SUCCESS: nobody holds the other end of @socket any more;
 * EXIT_FAILURE, reported.
 */
int keeper_main(int socket, const struct nat_port *ports, size_t count);
