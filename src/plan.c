// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan.c - the limits of a plan.
 */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

enum {
	PLAN_COPIES_MAX = 1023, /* ports of a bridge: BR_MAX_PORTS - 1, net/bridge/br_private.h */
	/* what the longest path below the directory still needs: "/copies/1023/files/x.txt" */
	PLAN_DIRECTORY_MAX = PATH_MAX - 64,
};

uint16_t plan_host_port(const struct plan *plan, unsigned int number)
{
	return (uint16_t)(plan->first_host_port + number - 1);
}

void plan_format_url(const struct plan *plan, unsigned int number, char *url)
{
	unsigned int port = plan_host_port(plan, number);

	if (plan->scheme)
		snprintf(url, PLAN_URL_MAX, "%.16s://localhost:%u/", plan->scheme, port);
	else
		snprintf(url, PLAN_URL_MAX, "localhost:%u", port);
}

/* The places that a copy has of its own: they would hide the program. */
static int plan_check_directory(const char *directory)
{
	static const char *const private[] = {"/tmp", "/var/tmp", "/run", "/dev", "/dev/shm"};

	if (directory[0] != '/' || strlen(directory) > PLAN_DIRECTORY_MAX)
		return error_say(-EINVAL, "%.64s: cannot be used as the project's directory",
				 directory);
	if (strpbrk(directory, "\n"))
		return error_say(-EINVAL, "%s: a line break in the directory's name", directory);
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (strcmp(directory, private[i]) == 0)
			return error_say(-EINVAL,
					 "cannot run in %s itself, every copy has its own: "
					 "use a directory below it",
					 directory);
	return 0;
}

int plan_check(const struct plan *plan)
{
	if (plan->copies < 1 || plan->copies > PLAN_COPIES_MAX)
		return error_say(-EINVAL, "%u copies: from 1 to %d are possible", plan->copies,
				 PLAN_COPIES_MAX);
	if (plan->copy_port == 0 || plan->first_host_port == 0 ||
	    plan->first_host_port + plan->copies - 1 > UINT16_MAX)
		return error_report(
			-EINVAL, "%u host ports from %u on, to port %u: ports go from 1 to %d",
			plan->copies, plan->first_host_port, plan->copy_port, UINT16_MAX);
	return plan_check_directory(plan->directory);
}
