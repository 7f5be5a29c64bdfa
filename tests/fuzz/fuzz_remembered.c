// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_remembered.c - the file with the free host ports, which its owner can write anything into:
 * what is taken from it is possible, and nothing is kept of a text that is refused.
 */
#include <errno.h>
#include <netinet/in.h>

#include "fuzz.h"
#include "plan.h"
#include "portmux/remembered.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct remembered remembered;
	int err = remembered_parse(&remembered, text);

	FUZZ_ASSERT(err == 0 || err == -EINVAL);
	FUZZ_ASSERT(err == 0 || (!remembered.ports && !remembered.count));
	for (size_t i = 0; i < remembered.count; i++) {
		const struct remembered_port *port = &remembered.ports[i];

		FUZZ_ASSERT(port->copy >= 1 && port->copy <= PLAN_COPIES_MAX);
		FUZZ_ASSERT(port->protocol == IPPROTO_TCP || port->protocol == IPPROTO_UDP);
		FUZZ_ASSERT(port->port >= 1 && port->host_port >= 1024);
		FUZZ_ASSERT(port->address.family == AF_UNSPEC ||
			    port->address.prefix == 8 * address_length(&port->address));
	}
	remembered_free(&remembered);
	free(text);
	return 0;
}
