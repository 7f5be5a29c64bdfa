/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * directory.h - directories in places that a user may write to.
 *
 * We are root, and the owner of such a place can put a symbolic link where we expect a directory.
 * So we refuse links in every part of a path (openat2(2), Linux 5.6). And we never change the owner
 * of what we made: its name may lead to something else by then. Whoever makes a directory for a
 * user is that user meanwhile (identity_borrow()).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * directory_open() - open the directory @path without following a link
 * @base: descriptor of the directory where @path starts; ignored if @path is absolute
 *
 * Return: an O_PATH descriptor or -errno (-ELOOP: a part of @path is a link).
 */
int directory_open(int base, const char *path);

/**
 * directory_make() - make the directory @name in @base
 * @ret_made: whether this call made the directory; may be NULL
 *
 * A directory that exists already is opened and not changed.
 *
 * Return: an O_PATH descriptor or -errno (-ELOOP, -ENOTDIR: @name is a link, or not a directory).
 */
int directory_make(int base, const char *name, bool *ret_made);

/**
 * directory_make_way() - make the directory @path with its parents, as far as they are not there
 * @path: absolute, in a place where nobody else makes links
 *
 * Return: 0 or -errno.
 */
int directory_make_way(const char *path);

/**
 * directory_remove() - remove @path if it is an empty directory
 *
 * It is no error if it is gone, not empty, in use, or no longer a directory.
 *
 * Return: 0 or -errno, reported.
 */
int directory_remove(const char *path);
