// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_names.c - a resolv.conf: the copy's fits into its room, and names servers only if it says
 * so.
 */
#include "fuzz.h"
#include "host/names.h"

static bool is_usable(const struct address *address, void *data)
{
	(void)data;
	return address->bytes[0] != 127;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char first[NAMES_TEXT_MAX], second[NAMES_TEXT_MAX];
	char *text = fuzz_string(data, size);
	bool has_server = names_filter(text, is_usable, NULL, first);

	free(text);
	FUZZ_ASSERT(memchr(first, '\0', sizeof(first)));
	FUZZ_ASSERT(!has_server || strstr(first, "nameserver"));
	/* What is left is usable: to filter it once more changes nothing. */
	FUZZ_ASSERT(names_filter(first, is_usable, NULL, second) == has_server);
	FUZZ_ASSERT(strcmp(first, second) == 0);
	return 0;
}
