/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cleanup.h - locals that give back what they hold when they go out of scope.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))

/** fd_close() - close @fd if it is open, and mark it closed. Safe to repeat. */
static inline void fd_close(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

/** fd_steal() - take the ownership of @fd away from a local that would close it. */
static inline int fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
