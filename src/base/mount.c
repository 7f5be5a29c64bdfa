// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount.c - calls the system calls for mounts by their numbers.
 */
#include "base/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int mount_new(const char *source, const char *target, const char *type, unsigned long flags,
	      const char *options)
{
	return syscall(SYS_mount, source, target, type, flags, options) < 0 ? -errno : 0;
}

int mount_clone(int base, const char *path, bool recursive)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
			     AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	long fd = syscall(SYS_open_tree, base, path, flags);

	return fd < 0 ? -errno : (int)fd;
}

static int mount_configure(int context, const struct mount_option *options)
{
	for (; options && options->name; options++)
		if (syscall(SYS_fsconfig, context,
			    options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options->name,
			    options->value, 0) < 0)
			return -errno;
	return syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

int mount_make(const char *type, const struct mount_option *options)
{
	AUTO_CLOSE int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int err = context < 0 ? -errno : mount_configure(context, options);
	long fd;

	if (err)
		return err;
	fd = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return fd < 0 ? -errno : (int)fd;
}

int mount_attach(int mount, const char *path)
{
	return syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

static int mount_set_attributes(int base, const char *path, unsigned int flags, uint64_t attributes,
				uint64_t propagation)
{
	struct mount_attr attr = {.attr_set = attributes, .propagation = propagation};

	return syscall(SYS_mount_setattr, base, path, flags | AT_RECURSIVE, &attr, sizeof(attr)) < 0
		       ? -errno
		       : 0;
}

int mount_restrict(int mount, uint64_t attributes)
{
	return mount_set_attributes(mount, "", AT_EMPTY_PATH, attributes, MS_PRIVATE);
}

int mount_restrict_tree(const char *path, uint64_t attributes)
{
	return mount_set_attributes(AT_FDCWD, path, 0, attributes, 0);
}

bool mount_is_supported(void)
{
	/* With no attribute to set, a kernel that has the call does nothing. */
	return mount_set_attributes(-1, "", AT_EMPTY_PATH, 0, 0) != -ENOSYS;
}
