// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * printed.c - rings by the numbers of copies, and readers that merge them.
 */
#include "portmux/printed.h"

#include <stdlib.h>
#include <string.h>

enum {
	PRINTED_COPY_MAX = 64 << 10, /* bytes for one copy; less where there are very many */
	PRINTED_COPY_MIN = 16 << 10,
	PRINTED_MAX = 16 << 20,
};

/* Makes an array of zeros longer. Return: false: there is no memory. */
static bool printed_grow(void **array, unsigned int *size, size_t element, unsigned int number)
{
	unsigned int wanted = number + number / 2 + 8;
	char *grown;

	if (number < *size)
		return true;
	grown = reallocarray(*array, wanted, element);
	if (!grown)
		return false;
	memset(grown + *size * element, 0, (wanted - *size) * element);
	*array = grown;
	*size = wanted;
	return true;
}

static size_t printed_limit(const struct printed *printed)
{
	size_t limit = PRINTED_COPY_MAX;

	while (limit > PRINTED_COPY_MIN && limit * printed->size > PRINTED_MAX)
		limit /= 2;
	return limit;
}

void printed_add(struct printed *printed, unsigned int number, const char *text, size_t length)
{
	struct ring_line line = {.number = ++printed->last, .length = length};

	if (!printed_grow((void **)&printed->rings, &printed->size, sizeof(*printed->rings),
			  number))
		return;
	clock_gettime(CLOCK_REALTIME, &line.time);
	ring_add(&printed->rings[number], &line, text, printed_limit(printed));
}

bool printed_has(const struct printed *printed, unsigned int number)
{
	return number < printed->size && printed->rings[number].end > 0;
}

/* Finds the copy whose next line is the oldest. Return: 0: there is none. */
static unsigned int printed_find(const struct printed *printed, struct printed_reader *reader,
				 struct ring_line *ret)
{
	unsigned int found = 0;

	for (unsigned int number = 1; number < printed->size; number++) {
		uint64_t offset = reader->offsets[number];
		struct ring_line line;

		if ((reader->only && number != reader->only) ||
		    !ring_look(&printed->rings[number], &offset, &line) ||
		    (found && line.number > ret->number))
			continue;
		found = number;
		*ret = line;
	}
	return found;
}

bool printed_next(const struct printed *printed, struct printed_reader *reader,
		  unsigned int *ret_number, struct ring_line *ret, char *text, bool *ret_is_gap)
{
	unsigned int number;
	uint64_t before;

	if (!printed->size || !printed_grow((void **)&reader->offsets, &reader->size,
					    sizeof(*reader->offsets), printed->size - 1))
		return false;
	number = printed_find(printed, reader, ret);
	if (!number)
		return false;
	before = reader->offsets[number];
	ring_look(&printed->rings[number], &reader->offsets[number], ret);
	*ret_is_gap = before && before != reader->offsets[number];
	ring_take(&printed->rings[number], &reader->offsets[number], text);
	*ret_number = number;
	return true;
}

void printed_close(struct printed *printed)
{
	for (unsigned int number = 0; number < printed->size; number++)
		ring_close(&printed->rings[number]);
	free(printed->rings);
	*printed = (struct printed){0};
}
