/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz.h - what the fuzzers have in common: libFuzzer calls the one function with made-up bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for any input. */
#define FUZZ_ASSERT(condition)    \
	do                        \
		if (!(condition)) \
			abort();  \
	while (0)

/* The bytes as a string of their own, up to the first NUL; a read behind its end is found. Free it.
 */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static inline void fuzz_drop_line(void *data, const char *line, size_t length)
{
	(void)data;
	(void)line;
	(void)length;
}

/* What is reported of bad bytes is not of interest here. */
static inline void fuzz_be_quiet(void)
{
	error_redirect(fuzz_drop_line, NULL);
}
