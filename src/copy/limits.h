/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - the limits of a copy's processes, as of setrlimit(2): those of the caller, but for
 * those that the plan sets.
 *
 * To raise a hard limit is a privilege, so that is done before the privileges are dropped
 * (limits_raise()). The rest is done last (limits_apply()): what is set up before needs
 * descriptors, for example.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "plan.h"

struct limits {
	struct rlimit values[RLIM_NLIMITS];
	bool is_set[RLIM_NLIMITS];
};

/** limits_set() - set one, in place of what was set for the same resource. */
void limits_set(struct limits *limits, int resource, struct rlimit value);

/** limits_set_plan() - set those of the plan. The last one of a resource counts. */
void limits_set_plan(struct limits *limits, const struct plan *plan);

/** limits_check() - may this process have them? Changes nothing. Return: 0 or -errno, reported. */
int limits_check(const struct limits *limits);

/** limits_raise() - raise hard limits that are too low. Return: 0 or -errno, reported. */
int limits_raise(const struct limits *limits);

/** limits_apply() - set soft and hard limits of this process. Return: 0 or -errno. */
int limits_apply(const struct limits *limits);

/**
 * limits_find() - the resource of this name, of which @length characters count: "nofile", "core"
 * Return: RLIMIT_NOFILE, ...; -1: there is none.
 */
int limits_find(const char *name, size_t length);
