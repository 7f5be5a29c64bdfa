// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fs.c - the mounts of a copy. No image and no pivot_root: the host's own tree, made harmless.
 *
 * In this order, because each step hides what the one before still needed:
 *   1. mounts no longer propagate to the host
 *   2. detached mounts are taken of what must stay writable, or be seen, below a private place
 *   3. everything becomes read-only, nosuid and nodev
 *   4. the private places are put over it
 *   5. the detached mounts are put at their paths
 */
#include "copy/fs.h"

#include <errno.h>
#include <fcntl.h>
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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint64_t HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

static const char *const DEVICES[] = {"null", "zero", "full", "random", "urandom", "tty"};

static const struct {
	const char *name, *target;
} DEVICE_LINKS[] = {
	{"ptmx", "pts/ptmx"},          {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
};

/* What the kernel shows of itself in /proc and /sys beside the copy's own: not the copy's business.
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

/* A detached, writable mount of a directory that lies where its user may put links. */
static int fs_take(const char *path, int *ret_mount)
{
	AUTO_CLOSE int fd = directory_open(AT_FDCWD, path);
	int err;

	*ret_mount = fd < 0 ? fd : mount_clone(fd, "", false);
	if (*ret_mount >= 0)
		fd_close(&fd);
	if (*ret_mount < 0)
		return fs_failed(*ret_mount, "take", path);
	err = mount_restrict(*ret_mount, HARMLESS);
	return err ? fs_failed(err, "restrict", path) : 0;
}

static int fs_put(int mount, const char *path)
{
	int err = mount_attach(mount, path);

	return err ? fs_failed(err, "mount", path) : 0;
}

static int fs_make_file(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	return fd < 0 ? fs_failed(-errno, "make", path) : 0;
}

/* The host's device nodes, as detached mounts: afterwards its mounts are nodev. */
static int fs_take_devices(int mounts[COUNT(DEVICES)])
{
	int err = 0;

	for (size_t i = 0; i < COUNT(DEVICES); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/dev/%s", DEVICES[i]);
		mounts[i] = mount_clone(AT_FDCWD, path, false);
		if (mounts[i] < 0 && !err)
			err = fs_failed(mounts[i], "take", path);
	}
	return err;
}

static int fs_put_devices(const int mounts[COUNT(DEVICES)])
{
	int err = 0;

	for (size_t i = 0; !err && i < COUNT(DEVICES); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/dev/%s", DEVICES[i]);
		err = fs_make_file(path);
		if (!err)
			err = fs_put(mounts[i], path);
	}
	return err;
}

static int fs_setup_dev(const int mounts[COUNT(DEVICES)])
{
	int err = fs_mount("tmpfs", "/dev", 0, "mode=755,size=64k");

	if (!err)
		err = fs_put_devices(mounts);

	for (size_t i = 0; !err && i < COUNT(DEVICE_LINKS); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "/dev/%s", DEVICE_LINKS[i].name);
		if (symlink(DEVICE_LINKS[i].target, path) < 0)
			err = fs_failed(-errno, "make", path);
	}
	if (!err && (mkdir("/dev/pts", 0755) < 0 || mkdir("/dev/shm", 0755) < 0))
		err = fs_failed(-errno, "make", "/dev/pts and /dev/shm");
	if (err)
		return err;
	err = mount_restrict_tree("/dev", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	if (err)
		return fs_failed(err, "make read-only", "/dev");
	err = fs_mount("devpts", "/dev/pts", 0, "newinstance,ptmxmode=0666,mode=0620");
	if (!err)
		err = fs_mount("tmpfs", "/dev/shm", MS_NODEV, "mode=1777,size=64m");
	return err;
}

static int fs_mask(void)
{
	int err = 0;

	for (size_t i = 0; !err && i < COUNT(MASKED_FILES); i++) {
		AUTO_CLOSE int mask = -1;

		if (access(MASKED_FILES[i], F_OK) < 0)
			continue;
		mask = mount_clone(AT_FDCWD, "/dev/null", false);
		err = mask < 0 ? fs_failed(mask, "mask", MASKED_FILES[i])
			       : fs_put(mask, MASKED_FILES[i]);
	}
	for (size_t i = 0; !err && i < COUNT(MASKED_DIRECTORIES); i++)
		if (access(MASKED_DIRECTORIES[i], F_OK) == 0)
			err = fs_mount("tmpfs", MASKED_DIRECTORIES[i], MS_RDONLY,
				       "mode=555,size=0");
	return err;
}

static int fs_setup_kernel_views(void)
{
	int err = fs_mount("proc", "/proc", MS_RDONLY | MS_NODEV, NULL);

	if (!err)
		err = fs_mount("sysfs", "/sys", MS_RDONLY | MS_NODEV, NULL);
	return err ? err : fs_mask();
}

const char *fs_hidden_below_tmp(const char *base)
{
	return strncmp(base, "/tmp/", strlen("/tmp/")) == 0 ? base + strlen("/tmp/") : NULL;
}

static bool fs_is_hidden(const char *base)
{
	static const char *const private[] = {"/run/", "/var/tmp/", "/dev/"};

	for (size_t i = 0; i < COUNT(private); i++)
		if (strncmp(base, private[i], strlen(private[i])) == 0)
			return true;
	return fs_hidden_below_tmp(base);
}

/* Makes @path in the private, still empty place that it lies in. */
static int fs_make_way(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EROFS)
			return fs_failed(-errno, "make", part);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

static int fs_show_again(int base_mount, const char *base)
{
	int err = fs_make_way(base);

	return err ? err : fs_put(base_mount, base);
}

static int fs_write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return fs_failed(-errno, "write", path);
	return 0;
}

/*
 * Written into the private /run. Where the host's file is a link to there (systemd-resolved), just
 * at its target; else it is put over the host's.
 */
static int fs_setup_names(const char *target, const char *text)
{
	static const char ELSEWHERE[] = "/run/resolv.conf";
	bool in_run = strncmp(target, "/run/", strlen("/run/")) == 0;
	const char *path = in_run ? target : ELSEWHERE;
	AUTO_CLOSE int file = -1;
	char parent[PATH_MAX];
	int err;

	if (!target[0]) /* the host has none */
		return 0;
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	err = fs_make_way(parent);
	if (!err)
		err = fs_write_file(path, text);
	if (err || in_run)
		return err;
	file = mount_clone(AT_FDCWD, path, false);
	err = file < 0 ? file : mount_restrict(file, MOUNT_ATTR_RDONLY | HARMLESS);
	return err ? fs_failed(err, "take", path) : fs_put(file, target);
}

/* What is taken before everything becomes read-only. */
struct fs_taken {
	int base, workdir, tmp; /* detached mounts; -1: none */
	int devices[COUNT(DEVICES)];
};

static void fs_taken_close(struct fs_taken *taken)
{
	fd_close(&taken->base);
	fd_close(&taken->workdir);
	fd_close(&taken->tmp);
	for (size_t i = 0; i < COUNT(DEVICES); i++)
		fd_close(&taken->devices[i]);
}

static int fs_take_all(struct fs_taken *taken, const struct fs_spec *spec, bool hidden)
{
	int err = fs_take(spec->workdir, &taken->workdir);

	if (!err)
		err = fs_take(spec->tmp, &taken->tmp);
	if (!err)
		err = fs_take_devices(taken->devices);
	if (err || !hidden)
		return err;
	taken->base = mount_clone(AT_FDCWD, spec->base, true);
	if (taken->base < 0)
		return fs_failed(taken->base, "take", spec->base);
	err = mount_restrict(taken->base, MOUNT_ATTR_RDONLY | HARMLESS);
	return err ? fs_failed(err, "restrict", spec->base) : 0;
}

static int fs_put_all(const struct fs_taken *taken, const struct fs_spec *spec, const char *names)
{
	char run_options[64];
	int err = fs_setup_dev(taken->devices);

	snprintf(run_options, sizeof(run_options), "mode=755,size=64m,uid=%u,gid=%u", spec->uid,
		 spec->gid);
	if (!err)
		err = fs_setup_kernel_views();
	if (!err)
		err = fs_mount("tmpfs", "/run", MS_NODEV, run_options);
	if (!err)
		err = fs_setup_names(names, spec->resolv_conf);
	if (!err && access("/var/tmp", F_OK) == 0)
		err = fs_mount("tmpfs", "/var/tmp", MS_NODEV, "mode=1777");
	if (!err)
		err = fs_put(taken->tmp, "/tmp");
	if (!err && taken->base >= 0)
		err = fs_show_again(taken->base, spec->base);
	if (!err)
		err = fs_put(taken->workdir, spec->workdir);
	return err;
}

int fs_setup(const struct fs_spec *spec)
{
	struct fs_taken taken = {.base = -1, .workdir = -1, .tmp = -1};
	char names[PATH_MAX] = "";
	int err;

	memset(taken.devices, -1, sizeof(taken.devices));
	if (!realpath("/etc/resolv.conf", names))
		names[0] = '\0';
	err = mount_new(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (err)
		return fs_failed(err, "make private", "/");
	err = fs_take_all(&taken, spec, fs_is_hidden(spec->base));
	if (!err) {
		err = mount_restrict_tree("/", MOUNT_ATTR_RDONLY | HARMLESS);
		err = err ? fs_failed(err, "make read-only", "/") : fs_put_all(&taken, spec, names);
	}
	fs_taken_close(&taken);
	return err;
}
