// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_mountinfo.c - lines of /proc/self/mountinfo: a path is never longer than its line.
 */
#include "fuzz.h"
#include "host/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mountinfo_entry entry;
	char *line = fuzz_string(data, size);

	if (mountinfo_parse(line, &entry) == 0) {
		FUZZ_ASSERT(entry.key && entry.path && strlen(entry.path) <= strlen(line));
		free(entry.key);
		free(entry.path);
	}
	free(line);
	return 0;
}
