/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * userns.h - a user namespace for a plain user.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/**
 * userns_enter() - move this process to a user namespace of its own, in which it has all
 * capabilities; and to mount, IPC and UTS namespaces that belong to it
 *
 * The user and the group stay what they are: each is mapped to itself. That needs no privilege:
 * user_namespaces(7), "Defining user and group ID mappings". setgroups(2) is refused from then on.
 *
 * Return: 0 or -errno, reported as by userns_refused().
 */
int userns_enter(void);

/**
 * userns_refused() - say why a namespace could not be made, as far as that can be found out
 * @what: "a network namespace"
 *
 * Return: @err.
 */
int userns_refused(int err, const char *what);

/**
 * userns_pass_on() - keep capabilities when another program is run
 * @capabilities: a bit for each (1 << CAP_NET_ADMIN); those that this process lacks do not count
 *
 * A user other than 0 loses them otherwise: capabilities(7), "Ambient".
 *
 * Return: 0 or -errno, reported.
 */
int userns_pass_on(uint64_t capabilities);

/**
 * userns_run_inside() - run a program in the network of a plain user's run, to look at it
 * @arguments: the manager's pid; the program, which is looked up in PATH, or with the directories
 * of root's programs added to it, and its arguments, up to NULL; without any, a shell
 *
 * Return: only on failure, the exit status, as of env(1): 2 or 127, reported.
 */
int userns_run_inside(char *const *arguments);
