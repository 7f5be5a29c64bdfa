// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stop.c - the way down, the same from wherever the way up has come to.
 *
 * Copies, then rules, then the rest: were the links to go before the rules, packets for a copy
 * would leave by the default route.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/process.h"
#include "run.h"

enum { STOP_KILLED_MS = 5000 };

/* After a failed start, copies may be half set up: no grace then. */
static void stop_copies(struct run *run)
{
	int timeout_ms = STOP_KILLED_MS;

	for (unsigned int i = 0; i < run->plan->copies; i++) {
		struct member *member = &run->members[i];

		if (member->copy.pidfd >= 0)
			copy_kill(&member->copy);
	}
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		struct member *member = &run->members[i];

		if (member->copy.pidfd >= 0 &&
		    process_wait(member->copy.pidfd, timeout_ms, NULL) < 0) {
			error_say(0, "copy %u: does not die", member->number);
			timeout_ms = 0; /* it was time for all of them */
		}
		copy_close(&member->copy);
	}
}

int run_stop(struct run *run)
{
	int err;

	if (run->members)
		stop_copies(run);
	nat_remove(&run->nat);
	for (unsigned int i = 0; run->members && i < run->plan->copies; i++)
		reserve_release(&run->members[i].reservation);
	cgroup_close(&run->cgroup);
	netlink_close(&run->watch);
	netlink_close(&run->route);
	err = guardian_finish(&run->guardian);
	/*
	 * The sockets that look into the copies' network namespaces were kept until here: without
	 * them the kernel would be busy taking the namespaces apart, with the lock that deleting a
	 * link needs as well (cleanup_net()).
	 */
	for (unsigned int i = 0; run->members && i < run->plan->copies; i++)
		netlink_close(&run->members[i].diag);
	filter_free(&run->filter);
	identity_free(&run->identity);
	free(run->members);
	run->members = NULL;
	return err;
}
