/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.h - objects of one kind, in pages of their own, which a child process can let go of.
 *
 * A process that is forked keeps every page as it was when the parent next writes to it. The first
 * process of a copy lives as long as the copy: a thousand of them would keep a thousand versions of
 * what the manager notes about copies. They have no use for any.
 */
#pragma once

#include <stddef.h>

/** The objects of one kind. Their memory stays until the process ends: a pool is static. */
struct pool {
	size_t size;             /* of an object, in bytes */
	struct pool_hole *holes; /* objects that were given back */
	char *fresh;             /* room for objects that nobody has had yet */
	size_t fresh_count;
};

/** POOL_OF() - initial value of a pool for objects of a type. */
#define POOL_OF(type) ((struct pool){.size = sizeof(type)})

/** pool_take() - an object, all zeros. Return: NULL: there is no memory. */
void *pool_take(struct pool *pool);

/** pool_give() - the object is not needed any more. @object may be NULL. */
void pool_give(struct pool *pool, void *object);

/** pool_leave() - in a child that uses no object of any pool: give back their memory. */
void pool_leave(void);
