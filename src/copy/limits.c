// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * limits.c - getrlimit(2) and setrlimit(2), by name.
 */
#include "copy/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* The names that prlimit(1) and docker(1) have. */
static const char *const NAMES[RLIM_NLIMITS] = {
	[RLIMIT_CORE] = "core",         [RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",         [RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",       [RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",     [RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",           [RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",     [RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

int limits_find(const char *name, size_t length)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++)
		if (NAMES[resource] && strlen(NAMES[resource]) == length &&
		    strncmp(NAMES[resource], name, length) == 0)
			return resource;
	return -1;
}

void limits_set(struct limits *limits, int resource, struct rlimit value)
{
	limits->values[resource] = value;
	limits->is_set[resource] = true;
}

void limits_set_plan(struct limits *limits, const struct plan *plan)
{
	for (size_t i = 0; i < plan->rlimit_count; i++)
		limits_set(limits, plan->rlimits[i].resource,
			   (struct rlimit){plan->rlimits[i].soft, plan->rlimits[i].hard});
}

static void limits_format(rlim_t value, char text[32])
{
	if (value == RLIM_INFINITY)
		snprintf(text, 32, "unlimited");
	else
		snprintf(text, 32, "%ju", (uintmax_t)value);
}

static int limits_refuse(int err, int resource, rlim_t from, rlim_t to)
{
	char before[32], after[32];

	limits_format(from, before);
	limits_format(to, after);
	return error_report(err,
			    "cannot raise the hard limit of %s from %s to %s (that needs root, and "
			    "CAP_SYS_RESOURCE%s)",
			    NAMES[resource], before, after,
			    resource == RLIMIT_NOFILE ? "; fs.nr_open is the most" : "");
}

/* Raises the hard limit of one resource, if it is too low. @ret_before: set in any case. */
static int limits_raise_one(const struct limits *limits, int resource, struct rlimit *ret_before)
{
	struct rlimit raised;

	if (getrlimit((__rlimit_resource_t)resource, ret_before) < 0)
		return error_report(-errno, "cannot tell the limit of %s", NAMES[resource]);
	raised = *ret_before;
	raised.rlim_max = limits->values[resource].rlim_max;
	if (raised.rlim_max <= ret_before->rlim_max)
		return 0;
	if (setrlimit((__rlimit_resource_t)resource, &raised) < 0)
		return limits_refuse(-errno, resource, ret_before->rlim_max, raised.rlim_max);
	return 0;
}

/* @is_trial: put each limit back at once. */
static int limits_raise_all(const struct limits *limits, bool is_trial)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit before;
		int err;

		if (!limits->is_set[resource])
			continue;
		err = limits_raise_one(limits, resource, &before);
		if (err)
			return err;
		if (is_trial)
			setrlimit((__rlimit_resource_t)resource, &before);
	}
	return 0;
}

int limits_check(const struct limits *limits)
{
	return limits_raise_all(limits, true);
}

int limits_raise(const struct limits *limits)
{
	return limits_raise_all(limits, false);
}

int limits_apply(const struct limits *limits)
{
	for (int resource = 0; resource < RLIM_NLIMITS; resource++)
		if (limits->is_set[resource] &&
		    setrlimit((__rlimit_resource_t)resource, &limits->values[resource]) < 0)
			return -errno;
	return 0;
}
