/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * directory.h - directories in places that a user may write to.
 *
 * We are root, and whoever owns the place can put a symbolic link where we expect a directory: so
 * links are refused on the whole way (openat2(2), Linux 5.6), and only what we made changes owner.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * directory_open() - open the directory @path without following a link
 * @base: descriptor of the directory that @path starts from; not needed for an absolute one
 *
 * Return: an O_PATH descriptor or a negative errno (-ELOOP for a link), not reported.
 */
int directory_open(int base, const char *path);

/**
 * directory_make() - make the directory @name in @base and give it to a user, or take it as it is
 * @ret_made: whether it was made by this call; may be NULL
 *
 * Return: an O_PATH descriptor or a negative errno (-ELOOP or -ENOTDIR where @name is something
 * else), not reported.
 */
int directory_make(int base, const char *name, uid_t uid, gid_t gid, bool *ret_made);

/** directory_remove() - remove @path if it is an empty directory. Gone or in use is no error. */
int directory_remove(const char *path);
