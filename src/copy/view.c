// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * view.c - the view is made by a child (base/helper.h) that is born into a mount namespace of its
 * own, and leaves us a descriptor of it. No process stays there: the descriptor keeps it.
 */
#include "copy/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/mount.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* From <sys/mount.h>, which cannot be included together with <linux/mount.h>. */
enum { VIEW_DETACH = 2, VIEW_NOFOLLOW = 8 };

static const char *const PRIVATE[] = {"/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp"};

static const char *const DEVICES[] = {"null", "zero", "full", "random", "urandom", "tty"};

static const struct {
	const char *name, *target;
} DEVICE_LINKS[] = {
	{"ptmx", "pts/ptmx"},          {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
};

static int view_failed(int err, const char *action, const char *path)
{
	return error_report(err, "cannot %s %s", action, path);
}

bool view_hides(const char *path)
{
	for (size_t i = 0; i < COUNT(PRIVATE); i++) {
		size_t length = strlen(PRIVATE[i]);

		if (strncmp(path, PRIVATE[i], length) == 0 &&
		    (!path[length] || path[length] == '/'))
			return true;
	}
	return false;
}

/* ---- Its root ---- */

/*
 * Enters the root of our own namespace. Return: 1 if that is not where / was before, 0 if it is,
 * or -errno, reported.
 */
static int view_enter_root(int before)
{
	AUTO_CLOSE int space = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct statx was, is;

	if (space < 0)
		return error_report(-errno, "cannot open /proc/self/ns/mnt");
	if (setns(space, CLONE_NEWNS) < 0)
		return error_report(-errno, "cannot enter /proc/self/ns/mnt");
	if (statx(before, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &was) < 0 ||
	    statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &is) < 0)
		return view_failed(-errno, "look at", "/");
	return was.stx_mnt_id != is.stx_mnt_id || was.stx_ino != is.stx_ino;
}

/* Makes @mount the namespace's root, and unmounts all that is outside of it. */
static int view_replace_root(int mount)
{
	/* The host's mounts may be shared: then what we mount and unmount would be there, too. */
	int err = mount_restrict(mount, 0);

	if (err)
		return err;
	err = mount_new(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (err)
		return err;
	err = mount_attach(mount, "/");
	if (err)
		return err;
	/* The old root comes to lie over the new one, where it can be unmounted: pivot_root(2). */
	if (fchdir(mount) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    syscall(SYS_umount2, ".", VIEW_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

/*
 * Whoever enters a mount namespace is at its root. Where we were started with chroot(8), our / is
 * another directory: that one is made the view's root, so that the copies see the same files as we
 * do, at the same paths.
 */
static int view_take_root(void)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int mount = -1;
	int err;

	if (root < 0)
		return view_failed(-errno, "open", "/");
	err = view_enter_root(root);
	if (err <= 0)
		return err;
	mount = mount_clone(root, "", true);
	err = mount < 0 ? mount : view_replace_root(mount);
	return err ? error_report(err, "cannot make this chroot the root of the copies' mounts")
		   : 0;
}

/* ---- What is in it ---- */

static int view_make_file(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	return fd < 0 ? view_failed(-errno, "make", path) : 0;
}

/*
 * Takes the host's device nodes as detached mounts, before all mounts become nodev: what is cloned
 * from a nodev mount is nodev too.
 */
static int view_take_devices(int mounts[COUNT(DEVICES)])
{
	for (size_t i = 0; i < COUNT(DEVICES); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/dev/%s", DEVICES[i]);
		mounts[i] = mount_clone(AT_FDCWD, path, false);
		if (mounts[i] < 0)
			return view_failed(mounts[i], "take", path);
	}
	return 0;
}

static int view_put_devices(const int mounts[COUNT(DEVICES)])
{
	for (size_t i = 0; i < COUNT(DEVICES); i++) {
		char path[PATH_MAX];
		int err;

		snprintf(path, sizeof(path), "/dev/%s", DEVICES[i]);
		err = view_make_file(path);
		if (err)
			return err;
		err = mount_attach(mounts[i], path);
		if (err)
			return view_failed(err, "mount", path);
	}
	return 0;
}

static int view_make_device_links(void)
{
	for (size_t i = 0; i < COUNT(DEVICE_LINKS); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/dev/%s", DEVICE_LINKS[i].name);
		if (symlink(DEVICE_LINKS[i].target, path) < 0)
			return view_failed(-errno, "make", path);
	}
	return 0;
}

static int view_setup_dev(const int mounts[COUNT(DEVICES)])
{
	int err = mount_new("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k");

	if (err)
		return view_failed(err, "mount", "/dev");
	err = view_put_devices(mounts);
	if (err)
		return err;
	err = view_make_device_links();
	if (err)
		return err;
	if (mkdir("/dev/pts", 0755) < 0 || mkdir("/dev/shm", 0755) < 0)
		return view_failed(-errno, "make", "/dev/pts and /dev/shm");
	err = mount_restrict_tree("/dev", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	return err ? view_failed(err, "make read-only", "/dev") : 0;
}

static int view_unmount(const char *path)
{
	if (syscall(SYS_umount2, path, VIEW_DETACH | VIEW_NOFOLLOW) == 0)
		return 0;
	/* It has gone together with what it was mounted on. */
	return errno == EINVAL || errno == ENOENT ? 0 : view_failed(-errno, "unmount", path);
}

static int view_unmount_all(char *const *paths, size_t count)
{
	int first_err = 0;

	for (size_t i = 0; i < count; i++) {
		int err = view_unmount(paths[i]);

		first_err = first_err ? first_err : err;
	}
	return first_err;
}

static int view_put_all(const int devices[COUNT(DEVICES)], char *const *hidden, size_t count)
{
	int err = view_unmount_all(hidden, count);

	if (err)
		return err;
	err = mount_restrict_tree("/", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (err)
		return view_failed(err, "make read-only", "/");
	err = view_setup_dev(devices);
	if (err)
		return err;
	/* The copies follow what is shared, see view_enter(). */
	err = mount_new(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
	return err ? view_failed(err, "share", "/") : 0;
}

static int view_make(char *const *hidden, size_t count)
{
	int devices[COUNT(DEVICES)];
	int err = view_take_root();

	if (err)
		return err;
	err = mount_new(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (err)
		return view_failed(err, "make private", "/");
	memset(devices, -1, sizeof(devices));
	err = view_take_devices(devices);
	if (!err)
		err = view_put_all(devices, hidden, count);
	for (size_t i = 0; i < COUNT(DEVICES); i++) /* they are our parent's, too */
		fd_close(&devices[i]);
	return err;
}

/* ---- Who makes it ---- */

/* Puts a descriptor of the namespace in the place of @fd, which is our parent's, too. */
static int view_leave_descriptor(int fd)
{
	int space = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int err = space < 0 || dup3(space, fd, O_CLOEXEC) < 0 ? -errno : 0;

	fd_close(&space);
	return err ? error_report(err, "cannot open /proc/self/ns/mnt") : 0;
}

static int view_run_child(int fd, char *const *hidden, size_t count)
{
	int err = view_leave_descriptor(fd);

	if (!err)
		err = view_make(hidden, count);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int view_begin(struct view_making *making, char *const *hidden, size_t count)
{
	AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	long pid;

	*making = VIEW_NONE;
	if (fd < 0)
		return error_report(-errno, "cannot open /dev/null");
	pid = helper_begin(&making->helper, CLONE_NEWNS);
	if (pid == 0)
		_exit(view_run_child(fd, hidden, count));
	if (pid < 0)
		return error_report((int)pid, "cannot make a mount namespace");
	making->fd = fd_steal(&fd);
	return 0;
}

int view_finish(struct view_making *making)
{
	AUTO_CLOSE int fd = fd_steal(&making->fd);
	int err = helper_finish(&making->helper, "make the copies' mounts");

	return err ? err : fd_steal(&fd);
}

void view_abandon(struct view_making *making)
{
	helper_abandon(&making->helper);
	fd_close(&making->fd);
}

static int view_drop_child(int view, char *const *paths, size_t count)
{
	if (setns(view, CLONE_NEWNS) < 0)
		return error_report(-errno, "cannot enter the copies' mounts");
	return view_unmount_all(paths, count);
}

int view_drop(int view, char *const *paths, size_t count)
{
	struct helper helper;
	long pid = helper_begin(&helper, 0);

	if (pid == 0)
		_exit(view_drop_child(view, paths, count) ? EXIT_FAILURE : EXIT_SUCCESS);
	return pid < 0 ? error_report((int)pid, "cannot unmount for the copies") : helper.pidfd;
}

int view_enter(int view)
{
	int err;

	if (setns(view, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
		return error_report(-errno, "cannot enter a copy of the copies' mounts");
	/* From the view to here, and nothing back: before anything is mounted. */
	err = mount_new(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	return err ? view_failed(err, "follow the view's mounts below", "/") : 0;
}
