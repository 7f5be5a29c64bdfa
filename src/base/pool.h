/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.h - objects of one kind, in pages of their own, which no child process gets.
 *
 * When a process has forked, each page that it writes to is copied once: it is the child's, too.
 * The manager forks for each copy, and writes to what it notes about any of them in between. None
 * of their first processes has a use for that; and they live long: a thousand of them would keep a
 * thousand versions of it.
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

/**
 * pool_take() - an object, all zeros
 *
 * What a child process is to have of it must be copied before the fork, elsewhere: in the child,
 * the object is not there.
 *
 * Return: NULL: there is no memory.
 */
void *pool_take(struct pool *pool);

/** pool_give() - the object is not needed any more. @object may be NULL. */
void pool_give(struct pool *pool, void *object);
