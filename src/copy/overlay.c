// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * overlay.c - the options of an overlay are paths, in which a colon would be cut. So both layers
 * are mounted for it where their paths are known. An overlay that is there needs no path of them.
 */
#include "copy/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/mount.h"

#define OVERLAY_LOWER "/proc"
#define OVERLAY_UPPER "/sys"

static int overlay_failed(int err, const char *action, const char *path)
{
	return error_report(err, "cannot %s %s", action, path);
}

/*
 * In a user namespace that is not the first one, nobody may set the attributes that overlayfs uses,
 * but those that are the user's own (Linux 5.11).
 */
static bool overlay_is_in_user_namespace(void)
{
	char line[64] = "";
	unsigned int inside = 1, outside = 1;
	FILE *map = fopen("/proc/self/uid_map", "re");
	char *end = line;

	if (map && fgets(line, sizeof(line), map)) {
		inside = (unsigned int)strtoul(line, &end, 10);
		outside = (unsigned int)strtoul(end, &end, 10);
	}
	if (map)
		fclose(map);
	return inside != 0 || outside != 0 || strtoul(end, NULL, 10) != UINT32_MAX;
}

/* Mounts the layers; the current directory becomes the lower one. */
static int overlay_put_layers(const struct overlay_spec *spec)
{
	AUTO_CLOSE int base = -1;
	int err = mount_attach(spec->taken_place, OVERLAY_UPPER);

	if (err)
		return overlay_failed(err, "mount", OVERLAY_UPPER);
	if (spec->taken_base >= 0)
		err = mount_attach(spec->taken_base, OVERLAY_LOWER);
	if (err)
		return overlay_failed(err, "mount", OVERLAY_LOWER);
	base = directory_open(AT_FDCWD, spec->taken_base >= 0 ? OVERLAY_LOWER : spec->base);
	if (base < 0 || fchdir(base) < 0)
		return overlay_failed(base < 0 ? base : -errno, "enter", spec->base);
	return 0;
}

int overlay_make(const struct overlay_spec *spec)
{
	const struct mount_option options[] = {
		{"lowerdir", "."},
		{"upperdir", OVERLAY_UPPER "/upper"},
		{"workdir", OVERLAY_UPPER "/work"},
		{overlay_is_in_user_namespace() ? "userxattr" : NULL, NULL},
		{NULL, NULL},
	};
	int err = overlay_put_layers(spec);
	int mount;

	if (err)
		return err;
	mount = mount_make("overlay", options);
	if (mount == -EINVAL)
		return error_say(mount,
				 "%s: its file system cannot hold an overlay's upper layer: use "
				 "another directory (--state), or --files shared",
				 spec->place);
	if (mount < 0)
		return overlay_failed(mount, "make an overlay of", spec->base);
	if (chdir("/") < 0) {
		err = -errno;
		fd_close(&mount);
		return overlay_failed(err, "enter", "/");
	}
	return mount;
}
