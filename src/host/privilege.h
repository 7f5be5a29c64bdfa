/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * privilege.h - may we do here what a run needs? Not who we are counts, but which capabilities we
 * have, and over whose network namespace: root of a user namespace has all of them over its own.
 */
#pragma once

#include <stdbool.h>

/** privilege_is_there() - have we the capabilities over namespaces and network at all? */
bool privilege_is_there(void);

/**
 * privilege_check() - find out whether we may change this network namespace
 * Return: 0 or -EPERM, reported.
 */
int privilege_check(void);
