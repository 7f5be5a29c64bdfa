/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount.h - the system calls for mounts, also the new ones (Linux 5.2 to 5.12).
 *
 * glibc wraps the new ones only since 2.36, and its <sys/mount.h> cannot be included together with
 * <linux/mount.h>. So we call all of them by number, and include only the kernel's header.
 *
 * Return: 0 or -errno; of mount_clone() and mount_make() a descriptor or -errno.
 */
#pragma once

#include <linux/mount.h>
#include <stdbool.h>
#include <stdint.h>

/** mount_new() - man 2 mount. */
int mount_new(const char *source, const char *target, const char *type, unsigned long flags,
	      const char *options);

/** mount_clone() - a detached copy of the mount at @path: open_tree(2). */
int mount_clone(int base, const char *path, bool recursive);

/** An option of a file system, "name=value". */
struct mount_option {
	const char *name;
	const char *value; /* NULL: it has none */
};

/**
 * mount_make() - a new file system's mount, nosuid and nodev, at no path: fsopen(2), fsmount(2)
 * @options: up to one without a name; NULL: none
 */
int mount_make(const char *type, const struct mount_option *options);

/** mount_attach() - put a detached mount at @path: move_mount(2). */
int mount_attach(int mount, const char *path);

/**
 * mount_restrict() - set MOUNT_ATTR_* on a detached mount and all below it: mount_setattr(2)
 *
 * And let nothing propagate from where it was taken, nor back.
 */
int mount_restrict(int mount, uint64_t attributes);

/** mount_restrict_tree() - the same on the mount at @path and all below it. */
int mount_restrict_tree(const char *path, uint64_t attributes);

/** mount_is_supported() - does this kernel have mount_setattr(2) (Linux 5.12 or newer)? */
bool mount_is_supported(void);
