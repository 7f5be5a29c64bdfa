/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netns.h - how this network namespace is told from all others.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/**
 * netns_format() - what the names of this network namespace's logs begin with
 * @prefix: NAME_MAX bytes: "4097."; "inode-4026531840." where the kernel has no such number
 *
 * Return: 0 or -errno, reported.
 */
int netns_format(char prefix[NAME_MAX]);

/**
 * netns_is_sure() - is that prefix this network namespace's alone?
 *
 * Before Linux 5.14 it contains the number of an inode. A later namespace can have the same.
 */
bool netns_is_sure(void);
