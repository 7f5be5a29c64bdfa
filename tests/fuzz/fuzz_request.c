// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_request.c - the line of a request: what is taken is an object with a command, and says the
 * same when it is written out; of what is not, it is said why.
 */
#include "fuzz.h"
#include "portmux/request.h"

static void check_again(json_t *object)
{
	const char *why = NULL;
	char *written = json_dumps(object, JSON_COMPACT);
	json_t *again;

	FUZZ_ASSERT(written);
	again = request_parse(written, strlen(written), &why);
	FUZZ_ASSERT(json_equal(object, again));
	json_decref(again);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size ? size : 1); /* no byte behind the line may be read */
	const char *why = NULL;
	json_t *object;

	if (!line)
		abort();
	memcpy(line, data, size);
	object = request_parse(line, size, &why);
	if (object) {
		FUZZ_ASSERT(json_is_object(object));
		FUZZ_ASSERT(json_string_value(json_object_get(object, "command")));
		check_again(object);
		json_decref(object);
	} else {
		FUZZ_ASSERT(why && *why);
	}
	free(line);
	return 0;
}
