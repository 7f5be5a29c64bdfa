// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_publish.c - a mapping: what is taken has a meaning, and says the same when it is written
 * out.
 */
#include <errno.h>
#include <stdio.h>

#include "fuzz.h"
#include "portmux/publish.h"

/* As the user could have written it. */
static void format(const struct publish *publish, char *text, size_t size)
{
	char address[ADDRESS_TEXT_MAX], place[ADDRESS_TEXT_MAX + 4] = "", host[16] = "";

	if (publish->address.family == AF_INET)
		snprintf(place, sizeof(place), "%s:", address_format(&publish->address, address));
	if (publish->address.family == AF_INET6)
		snprintf(place, sizeof(place), "[%s]:", address_format(&publish->address, address));
	if (publish->is_open)
		snprintf(host, sizeof(host), "%u+", publish->first);
	else if (publish->first)
		snprintf(host, sizeof(host), "%u-%u", publish->first, publish->last);
	snprintf(text, size, "%s%s:%u/%s", place, host, publish->port,
		 publish->protocol == IPPROTO_UDP ? "udp" : "tcp");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	char *texts[] = {text, text};
	struct publish publish = {0}, again = {0};
	char written[128];
	int err;

	error_redirect(fuzz_drop_line, NULL);
	err = publish_parse(&publish, text);
	FUZZ_ASSERT(err == 0 || err == -EINVAL);
	if (err == 0) {
		FUZZ_ASSERT(publish.port > 0 && publish.first <= publish.last);
		FUZZ_ASSERT(publish.protocol == IPPROTO_TCP || publish.protocol == IPPROTO_UDP);
		format(&publish, written, sizeof(written));
		FUZZ_ASSERT(publish_parse(&again, written) == 0);
		FUZZ_ASSERT(again.protocol == publish.protocol && again.port == publish.port &&
			    again.first == publish.first && again.last == publish.last &&
			    again.is_open == publish.is_open &&
			    again.address.family == publish.address.family);
		/* Twice the same overlaps, unless free ports are asked for. */
		FUZZ_ASSERT(publish.first == 0 ||
			    publish_check((struct publish[]){publish, again}, texts, 2, 1) < 0);
	}
	free(text);
	return 0;
}
