/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - what the first process of a copy does, from its birth on.
 */
#pragma once

#include "copy/container.h"

/**
 * child_main() - set the copy up, start the program, be its init
 * @manager: socket to the manager; gets the copy's output and sock_diag socket
 *           (container_receive()), then a wait status (init_run())
 *
 * Return: the process's exit status; every failure is reported.
 */
int child_main(const struct container_spec *spec, int manager);
