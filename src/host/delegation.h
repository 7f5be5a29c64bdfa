/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * delegation.h - whether our control group is ours to divide: systemd has delegated it to us, and
 * nobody else is in it.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * delegation_find() - find our control group
 * @path: set if there is one
 *
 * Return: its directory, owned by the caller; -1: there is none, or it is not ours to divide.
 */
int delegation_find(char path[PATH_MAX]);

/** delegation_has_controller() - can the groups below this one have the controller? */
bool delegation_has_controller(int directory, const char *name);
