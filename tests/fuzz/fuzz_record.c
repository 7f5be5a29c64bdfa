// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_record.c - lines of an undo log: what is read is written as a line that reads the same.
 */
#include "fuzz.h"
#include "host/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[RECORD_LINE_MAX], again[RECORD_LINE_MAX];
	static struct record record, second;
	char *text = fuzz_string(data, size);
	bool is_record = record_parse(text, &record);

	free(text);
	if (!is_record)
		return 0;
	record_format(&record, line);
	FUZZ_ASSERT(line[0] && line[strlen(line) - 1] == '\n');
	line[strlen(line) - 1] = '\0';
	FUZZ_ASSERT(record_parse(line, &second));
	record_format(&second, again);
	again[strlen(again) - 1] = '\0';
	FUZZ_ASSERT(strcmp(line, again) == 0);
	return 0;
}
