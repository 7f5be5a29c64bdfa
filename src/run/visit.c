// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * visit.c - asks a copy's first process.
 */
#include "run/visit.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "run/state.h"

/* In LIFE_PREPARING a copy waits for another message. */
static bool visit_is_possible(const struct copy *copy)
{
	return copy->state != LIFE_ENDED && copy->state != LIFE_PREPARING &&
	       copy->state != LIFE_KILLED;
}

int visit_begin(const struct copy *copy, const struct visit *visit)
{
	const struct identity *identity = copy->setting->identity;
	int report;

	if (!visit_is_possible(copy))
		return -ESRCH;
	for (int i = 0; i < 3; i++)
		if (visit->stdio[i] >= 0 &&
		    fchown(visit->stdio[i], identity->uid, identity->gid) < 0)
			return -errno;
	report = enter_ask(copy->container.socket, visit);
	return report == -EPIPE || report == -ECONNRESET ? -ESRCH : report;
}

int run_visit_copy(const struct run *run, unsigned int number, const struct visit *visit)
{
	const struct copy *copy = crew_find(&run->crew, number);

	return copy ? visit_begin(copy, visit) : -ENOENT;
}
