// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run.c - questions to the state of a run.
 */
#include "run.h"

struct nat_port run_nat_port(const struct run *run, const struct member *member)
{
	return (struct nat_port){
		.protocol = run->plan->protocol,
		.port = plan_host_port(run->plan, member->number),
		.to = member->address,
		.to6 = member->address6,
		.to_port = run->plan->copy_port,
		.name = member->name,
		.comment = member->comment,
	};
}

unsigned int run_live_copies(const struct run *run)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < run->plan->copies; i++)
		count += run->members[i].state == MEMBER_STARTING ||
			 run->members[i].state == MEMBER_READY;
	return count;
}
