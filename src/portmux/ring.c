// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ring.c - struct ring_line and its text, one after the other.
 */
#include "portmux/ring.h"

#include <stdlib.h>
#include <string.h>

enum { RING_SIZE_MIN = 1024 };

static void ring_put(const struct ring *ring, uint64_t offset, const void *data, size_t length)
{
	size_t at = offset & (ring->size - 1);
	size_t first = length < ring->size - at ? length : ring->size - at;

	memcpy(ring->bytes + at, data, first);
	memcpy(ring->bytes, (const char *)data + first, length - first);
}

static void ring_get(const struct ring *ring, uint64_t offset, void *data, size_t length)
{
	size_t at = offset & (ring->size - 1);
	size_t first = length < ring->size - at ? length : ring->size - at;

	memcpy(data, ring->bytes + at, first);
	memcpy((char *)data + first, ring->bytes, length - first);
}

/* Each byte keeps its offset. Without memory, the ring stays as it is. */
static void ring_grow(struct ring *ring, size_t needed, size_t limit)
{
	struct ring grown = *ring;
	size_t used = (size_t)(ring->end - ring->begin);

	grown.size = ring->size ? ring->size : RING_SIZE_MIN;
	while (grown.size < limit && grown.size < used + needed)
		grown.size *= 2;
	if (grown.size <= ring->size)
		return;
	grown.bytes = malloc(grown.size);
	if (!grown.bytes)
		return;
	for (uint64_t offset = ring->begin; offset < ring->end;) {
		size_t at = offset & (ring->size - 1);
		size_t length = ring->size - at;

		if (length > ring->end - offset)
			length = (size_t)(ring->end - offset);
		ring_put(&grown, offset, ring->bytes + at, length);
		offset += length;
	}
	free(ring->bytes);
	*ring = grown;
}

void ring_add(struct ring *ring, const struct ring_line *line, const char *text, size_t limit)
{
	size_t needed = sizeof(*line) + line->length;

	if (ring->size - (size_t)(ring->end - ring->begin) < needed)
		ring_grow(ring, needed, limit);
	if (ring->size < needed)
		return;
	while (ring->size - (size_t)(ring->end - ring->begin) < needed) {
		struct ring_line oldest;

		ring_get(ring, ring->begin, &oldest, sizeof(oldest));
		ring->begin += sizeof(oldest) + oldest.length;
	}
	ring_put(ring, ring->end, line, sizeof(*line));
	ring_put(ring, ring->end + sizeof(*line), text, line->length);
	ring->end += needed;
}

bool ring_look(const struct ring *ring, uint64_t *offset, struct ring_line *ret)
{
	if (*offset < ring->begin)
		*offset = ring->begin;
	if (*offset == ring->end)
		return false;
	ring_get(ring, *offset, ret, sizeof(*ret));
	return true;
}

void ring_take(const struct ring *ring, uint64_t *offset, char *text)
{
	struct ring_line line;

	ring_get(ring, *offset, &line, sizeof(line));
	ring_get(ring, *offset + sizeof(line), text, line.length);
	*offset += sizeof(line) + line.length;
}

void ring_close(struct ring *ring)
{
	free(ring->bytes);
	*ring = (struct ring){0};
}
