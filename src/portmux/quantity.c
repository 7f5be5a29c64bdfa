// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * quantity.c - digits, and what may stand behind them.
 */
#include "portmux/quantity.h"

#include <string.h>
#include <sys/resource.h>

#include "copy/limits.h"

/* Reads digits, at least one. Return: what stands behind them; NULL: none, or too many. */
static const char *quantity_digits(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return NULL;
	*ret = value;
	return text;
}

bool quantity_count(const char *text, unsigned int least, unsigned int most, unsigned int *ret)
{
	uint64_t value;
	const char *end = quantity_digits(text, &value);

	if (!end || *end || value < least || value > most)
		return false;
	*ret = (unsigned int)value;
	return true;
}

bool quantity_bytes(const char *text, uint64_t *ret)
{
	static const char UNITS[] = "bkmg";
	uint64_t value;
	const char *end = quantity_digits(text, &value);
	const char *unit;

	if (!end || value == 0)
		return false;
	if (*end) {
		char lower = (char)(*end >= 'A' && *end <= 'Z' ? *end - 'A' + 'a' : *end);

		unit = strchr(UNITS, lower);
		if (!unit || end[1] ||
		    __builtin_mul_overflow(value, 1ULL << 10 * (unit - UNITS), &value))
			return false;
	}
	*ret = value;
	return true;
}

bool quantity_per_mille(const char *text, unsigned int *ret)
{
	uint64_t whole, part = 0;
	const char *end = quantity_digits(text, &whole);

	if (!end || whole > 1000000)
		return false;
	if (*end == '.') {
		const char *first = end + 1;

		end = quantity_digits(first, &part);
		if (!end || end - first > 3)
			return false;
		for (size_t places = (size_t)(end - first); places < 3; places++)
			part *= 10;
	}
	if (*end || whole * 1000 + part == 0)
		return false;
	*ret = (unsigned int)(whole * 1000 + part);
	return true;
}

static const char *quantity_limit(const char *text, uint64_t *ret)
{
	static const char NONE[] = "unlimited";

	if (strncmp(text, NONE, strlen(NONE)) == 0) {
		*ret = RLIM_INFINITY;
		return text + strlen(NONE);
	}
	return quantity_digits(text, ret);
}

bool quantity_rlimit(const char *text, struct plan_rlimit *ret)
{
	size_t length = strcspn(text, "=");
	struct plan_rlimit limit = {.resource = limits_find(text, length)};

	if (limit.resource < 0 || text[length] != '=')
		return false;
	text = quantity_limit(text + length + 1, &limit.soft);
	if (!text)
		return false;
	limit.hard = limit.soft;
	if (*text == ':')
		text = quantity_limit(text + 1, &limit.hard);
	if (!text || *text || limit.soft > limit.hard)
		return false;
	*ret = limit;
	return true;
}
