// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pool.c - objects in blocks, which stay until the process ends.
 *
 * With a sanitizer each object is malloc()ed instead: it then watches who uses it, and until when.
 */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_IS_WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POOL_IS_WATCHED
#endif

#ifdef POOL_IS_WATCHED

void *pool_take(struct pool *pool)
{
	return calloc(1, pool->size);
}

void pool_give(struct pool *pool, void *object)
{
	(void)pool;
	free(object);
}

#else

enum { POOL_BLOCK = 64 << 10 }; /* for several objects, unless one is larger */

struct pool_hole {
	struct pool_hole *next;
};

/* So that what follows an object is aligned for any other. */
static size_t pool_step(const struct pool *pool)
{
	size_t align = sizeof(max_align_t);

	return (pool->size + align - 1) / align * align;
}

static int pool_grow(struct pool *pool)
{
	size_t size = pool_step(pool) > POOL_BLOCK ? pool_step(pool) : POOL_BLOCK;
	char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED)
		return -1;
	madvise(block, size, MADV_DONTFORK); /* if it was refused, children would only be larger */
	pool->fresh = block;
	pool->fresh_count = size / pool_step(pool);
	return 0;
}

void *pool_take(struct pool *pool)
{
	struct pool_hole *hole = pool->holes;
	char *fresh;

	if (hole) {
		pool->holes = hole->next;
		return memset(hole, 0, pool->size);
	}
	if (!pool->fresh_count && pool_grow(pool) < 0)
		return NULL;
	fresh = pool->fresh;
	pool->fresh += pool_step(pool);
	pool->fresh_count--;
	return fresh;
}

void pool_give(struct pool *pool, void *object)
{
	struct pool_hole *hole = object;

	if (!hole)
		return;
	hole->next = pool->holes;
	pool->holes = hole;
}

#endif
