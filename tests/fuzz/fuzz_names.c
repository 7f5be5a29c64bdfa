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
	static char filtered[NAMES_TEXT_MAX], again[NAMES_TEXT_MAX];
	char *text = fuzz_string(data, size);
	bool has_server = names_filter(text, is_usable, NULL, filtered);

	free(text);
	FUZZ_ASSERT(memchr(filtered, '\0', sizeof(filtered)));
	FUZZ_ASSERT(!has_server || strstr(filtered, "nameserver"));
	/* What is left is usable: to filter it once more changes nothing. */
	FUZZ_ASSERT(names_filter(filtered, is_usable, NULL, again) == has_server);
	FUZZ_ASSERT(strcmp(filtered, again) == 0);
	return 0;
}
