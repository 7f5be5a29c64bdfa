// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mountinfo.c - a line of the list: "36 35 98:0 /root /mnt/a\040disk rw,noatime - ext3 /dev/sda1
 * rw".
 */
#include "host/mountinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Blank, tab, line feed and backslash are written as three octal digits behind a backslash. */
static void mountinfo_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (*from == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += strlen("\\040");
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

int mountinfo_parse(const char *line, struct mountinfo_entry *ret)
{
	int id_end, device, path, end = 0;

	sscanf(line, "%*s%n %*s %n%*s %*s %n%*s%n", &id_end, &device, &path, &end);
	if (!end)
		return -EINVAL;
	*ret = (struct mountinfo_entry){.path = strndup(line + path, (size_t)(end - path))};
	if (!ret->path)
		return -ENOMEM;
	mountinfo_unescape(ret->path);
	/* The number alone is used again. */
	if (asprintf(&ret->key, "%.*s %.*s", id_end, line, end - device, line + device) < 0) {
		free(ret->path);
		return -ENOMEM;
	}
	return 0;
}

static int mountinfo_add(struct mountinfo *mounts, const char *line)
{
	struct mountinfo_entry *grown =
		reallocarray(mounts->entries, mounts->count + 1, sizeof(*grown));
	int err;

	if (!grown)
		return -ENOMEM;
	mounts->entries = grown;
	err = mountinfo_parse(line, &grown[mounts->count]);
	mounts->count += err == 0;
	return err;
}

int mountinfo_read(struct mountinfo *ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int err = 0;

	*ret = (struct mountinfo){0};
	if (!file)
		return -errno;
	while (!err && (errno = 0, getline(&line, &size, file)) > 0)
		err = mountinfo_add(ret, line);
	if (!err && !feof(file)) /* a list that ends too early would tell of mounts that are gone */
		err = errno ? -errno : -EIO;
	fclose(file);
	if (err)
		mountinfo_free(ret);
	return err;
}

void mountinfo_free(struct mountinfo *mounts)
{
	while (mounts->count)
		mountinfo_remove(mounts, mounts->count - 1);
	free(mounts->entries);
	mounts->entries = NULL;
}

bool mountinfo_has(const struct mountinfo *mounts, const char *key)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (strcmp(mounts->entries[i].key, key) == 0)
			return true;
	return false;
}

void mountinfo_remove(struct mountinfo *mounts, size_t index)
{
	free(mounts->entries[index].key);
	free(mounts->entries[index].path);
	mounts->count--;
	memmove(&mounts->entries[index], &mounts->entries[index + 1],
		(mounts->count - index) * sizeof(*mounts->entries));
}
