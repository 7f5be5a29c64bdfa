// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fs.c - the mounts of a copy. It has no image and needs no pivot_root(2): it sees the host's own
 * tree, after we made that harmless.
 *
 * The steps come in this order, because each one hides something that the step before it needs:
 *   1. take detached mounts, from the host, of what must stay writable, or visible below a private
 *      place
 *   2. enter a copy of the view, where everything is read-only, nosuid and nodev (view.c)
 *   3. make an overlay, and take an empty directory
 *   4. mount the private places over it
 *   5. attach the detached mounts at their paths
 *
 * Nothing is unmounted: the kernel waits for RCU then. What is not needed any more is mounted over.
 */
#include "copy/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/mount.h"
#include "base/sysctl.h"
#include "copy/overlay.h"
#include "copy/view.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint64_t HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

/*
 * /proc and /sys belong to the copy's own namespaces, but these parts of them still tell about the
 * whole machine. A copy does not need them, so they are hidden.
 */
static const char *const MASKED_FILES[] = {
	"/proc/kcore",      "/proc/keys",        "/proc/kmsg",          "/proc/kallsyms",
	"/proc/timer_list", "/proc/sched_debug", "/proc/sysrq-trigger", "/proc/latency_stats",
};
static const char *const MASKED_DIRECTORIES[] = {"/proc/acpi", "/proc/scsi", "/sys/firmware"};

static int fs_failed(int err, const char *action, const char *path)
{
	return error_report(err, "cannot %s %s", action, path);
}

static int fs_mount(const char *type, const char *target, unsigned long flags, const char *options)
{
	int err = mount_new(type, target, type, flags | MS_NOSUID | MS_NOEXEC, options);

	return err ? fs_failed(err, "mount", target) : 0;
}

/*
 * Makes a detached mount of the directory @path. Its user can put a symbolic link on the way to it:
 * directory_open() follows none.
 */
static int fs_take(const char *path, bool recursive, uint64_t attributes, int *ret_mount)
{
	AUTO_CLOSE int fd = directory_open(AT_FDCWD, path);
	int err;

	if (fd < 0)
		return fs_failed(fd, "take", path);
	*ret_mount = mount_clone(fd, "", recursive);
	if (*ret_mount < 0)
		return fs_failed(*ret_mount, "take", path);
	err = mount_restrict(*ret_mount, attributes);
	return err ? fs_failed(err, "restrict", path) : 0;
}

static int fs_put(int mount, const char *path)
{
	int err = mount_attach(mount, path);

	return err ? fs_failed(err, "mount", path) : 0;
}

/* The rest of /dev is in the view. */
static int fs_setup_dev(void)
{
	/*
	 * All copies together get no more terminals than kernel.pty.max less kernel.pty.reserve,
	 * which is 3072. A service needs one or two; 64 are enough for one that opens shells.
	 */
	int err = fs_mount("devpts", "/dev/pts", 0, "newinstance,ptmxmode=0666,mode=0620,max=64");

	return err ? err : fs_mount("tmpfs", "/dev/shm", MS_NODEV, "mode=1777,size=64m");
}

static int fs_mask_file(const char *path)
{
	AUTO_CLOSE int mask = mount_clone(AT_FDCWD, "/dev/null", false);

	return mask < 0 ? fs_failed(mask, "mask", path) : fs_put(mask, path);
}

static int fs_mask_directory(int empty, const char *path)
{
	AUTO_CLOSE int mask = mount_clone(empty, "", false);

	return mask < 0 ? fs_failed(mask, "mask", path) : fs_put(mask, path);
}

static int fs_mask(int empty)
{
	int err;

	for (size_t i = 0; i < COUNT(MASKED_FILES); i++) {
		if (access(MASKED_FILES[i], F_OK) < 0)
			continue;
		err = fs_mask_file(MASKED_FILES[i]);
		if (err)
			return err;
	}
	for (size_t i = 0; i < COUNT(MASKED_DIRECTORIES); i++) {
		if (access(MASKED_DIRECTORIES[i], F_OK) < 0)
			continue;
		err = fs_mask_directory(empty, MASKED_DIRECTORIES[i]);
		if (err)
			return err;
	}
	return 0;
}

/*
 * The ports of a copy are its own: a program that insists on port 80 needs no privilege for it.
 *
 * By the copy's own /proc: in the host's, the kernel keeps the files of all network namespaces
 * under one name (proc_sys_compare()), so that each copy would take longer than the one before.
 */
static int fs_free_low_ports(void)
{
	int err = sysctl_write("net/ipv4/ip_unprivileged_port_start", "0");

	return err ? error_report(err, "cannot set ip_unprivileged_port_start") : 0;
}

static int fs_setup_kernel_views(int empty)
{
	int err = fs_mount("proc", "/proc", MS_NODEV, NULL);

	if (err)
		return err;
	err = fs_free_low_ports();
	if (err)
		return err;
	err = mount_new(NULL, "/proc", NULL,
			MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (err)
		return fs_failed(err, "make read-only", "/proc");
	err = fs_mount("sysfs", "/sys", MS_RDONLY | MS_NODEV, NULL);
	if (err)
		return err;
	return fs_mask(empty);
}

const char *fs_hidden_below_tmp(const char *base)
{
	return strncmp(base, "/tmp/", strlen("/tmp/")) == 0 ? base + strlen("/tmp/") : NULL;
}

/* What is taken before something hides it; -1: not taken. */
struct fs_taken {
	int base, place, own, tmp; /* detached mounts */
	int empty;                 /* an empty directory */
};

static void fs_taken_close(struct fs_taken *taken)
{
	fd_close(&taken->base);
	fd_close(&taken->place);
	fd_close(&taken->own);
	fd_close(&taken->tmp);
	fd_close(&taken->empty);
}

#define AUTO_TAKEN __attribute__((cleanup(fs_taken_close)))

/* The plan's directory, where it has to be mounted again. */
static int fs_take_base(struct fs_taken *taken, const struct fs_spec *spec)
{
	uint64_t attributes = spec->files == PLAN_SHARED ? HARMLESS : MOUNT_ATTR_RDONLY | HARMLESS;

	if (spec->files != PLAN_SHARED && !view_hides(spec->base))
		return 0;
	return fs_take(spec->base, true, attributes, &taken->base);
}

static int fs_take_all(struct fs_taken *taken, const struct fs_spec *spec)
{
	int err = fs_take_base(taken, spec);

	if (err)
		return err;
	err = fs_take(spec->tmp, false, HARMLESS, &taken->tmp);
	if (err || spec->files == PLAN_SHARED)
		return err;
	if (spec->files == PLAN_OVERLAY)
		return fs_take(spec->place, false, HARMLESS, &taken->place);
	err = fs_take(spec->own, false, HARMLESS, &taken->own);
	return err ? err : fs_take(spec->place, true, MOUNT_ATTR_RDONLY | HARMLESS, &taken->place);
}

/* The view's directory for terminals, before they are mounted there. */
static int fs_take_empty(struct fs_taken *taken)
{
	taken->empty = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return taken->empty < 0 ? fs_failed(-errno, "take", "/dev/pts") : 0;
}

/* From here on, what was taken of the directory is the overlay. */
static int fs_take_overlay(struct fs_taken *taken, const struct fs_spec *spec)
{
	const struct overlay_spec overlay = {
		.base = spec->base,
		.taken_base = taken->base,
		.place = spec->place,
		.taken_place = taken->place,
	};
	int mount = overlay_make(&overlay);

	if (mount < 0)
		return mount;
	fd_close(&taken->base);
	taken->base = mount;
	return 0;
}

/* ---- The places of other copies ---- */

/* Mounts a directory with nothing but an empty @place over the one with the places of all copies.
 */
static int fs_hide_others(const char *places, const char *place)
{
	int err = fs_mount("tmpfs", places, MS_NODEV, "mode=755,size=4k");

	if (err)
		return err;
	if (mkdir(place, 0755) < 0)
		return fs_failed(-errno, "make", place);
	err = mount_restrict_tree(places, MOUNT_ATTR_RDONLY);
	return err ? fs_failed(err, "make read-only", places) : 0;
}

/* The copy's own place is seen only where it works in it. */
static int fs_put_place(const struct fs_taken *taken, const struct fs_spec *spec)
{
	char path[PATH_MAX];
	const char *places;
	int err;

	if (view_hides(spec->place) && !plan_is_below(spec->place, spec->base))
		return 0;
	snprintf(path, sizeof(path), "%s", spec->place);
	places = dirname(path);
	if (spec->files != PLAN_PRIVATE)
		return fs_mask_directory(taken->empty, places);
	err = fs_hide_others(places, spec->place);
	if (err)
		return err;
	err = fs_put(taken->place, spec->place);
	return err ? err : fs_put(taken->own, spec->own);
}

/* ---- All of it ---- */

/* The plan's directory, as the copy is to see it. */
static int fs_put_base(const struct fs_taken *taken, const struct fs_spec *spec)
{
	int err = taken->base >= 0 && view_hides(spec->base) ? directory_make_way(spec->base) : 0;

	if (err)
		return fs_failed(err, "make", spec->base);
	return taken->base >= 0 ? fs_put(taken->base, spec->base) : 0;
}

static int fs_setup_run(const struct fs_spec *spec, const struct etc_paths *etc)
{
	char options[64];
	int err;

	snprintf(options, sizeof(options), "mode=755,size=64m,uid=%u,gid=%u", spec->uid, spec->gid);
	err = fs_mount("tmpfs", "/run", MS_NODEV, options);
	if (err)
		return err;
	return etc_setup(etc, &spec->etc);
}

static int fs_put_all(const struct fs_taken *taken, const struct fs_spec *spec,
		      const struct etc_paths *etc)
{
	int err = fs_setup_dev();

	if (err)
		return err;
	err = fs_setup_kernel_views(taken->empty);
	if (err)
		return err;
	err = fs_setup_run(spec, etc);
	if (err)
		return err;
	if (access("/var/tmp", F_OK) == 0)
		err = fs_mount("tmpfs", "/var/tmp", MS_NODEV, "mode=1777");
	if (err)
		return err;
	err = fs_put(taken->tmp, "/tmp");
	if (err)
		return err;
	err = fs_put_base(taken, spec);
	return err ? err : fs_put_place(taken, spec);
}

int fs_setup(const struct fs_spec *spec)
{
	AUTO_TAKEN struct fs_taken taken = {
		.base = -1, .place = -1, .own = -1, .tmp = -1, .empty = -1};
	struct etc_paths etc;
	int err;

	etc_find(&etc);
	err = fs_take_all(&taken, spec);
	if (err)
		return err;
	err = view_enter(spec->view);
	if (err)
		return err;
	if (spec->files == PLAN_OVERLAY)
		err = fs_take_overlay(&taken, spec);
	if (!err)
		err = fs_take_empty(&taken);
	return err ? err : fs_put_all(&taken, spec, &etc);
}
