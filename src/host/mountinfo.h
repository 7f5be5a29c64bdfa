/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mountinfo.h - the mounts of this host, as /proc/self/mountinfo lists them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mountinfo_entry {
	char *key;  /* what tells it from every other mount; owned */
	char *path; /* where it is mounted; owned */
};

/** A list of mounts, each after the one that it lies on. All zeros: it is empty. */
struct mountinfo {
	struct mountinfo_entry *entries; /* @count of them; owned */
	size_t count;
};

/** mountinfo_read() - all mounts that there are. Return: 0 or -errno; then @ret is empty. */
int mountinfo_read(struct mountinfo *ret);

/** mountinfo_free() - Safe to repeat, and on zeros. */
void mountinfo_free(struct mountinfo *mounts);

/** mountinfo_has() - is there a mount with this key? */
bool mountinfo_has(const struct mountinfo *mounts, const char *key);

/** mountinfo_remove() - take an entry out of the list. */
void mountinfo_remove(struct mountinfo *mounts, size_t index);

/** mountinfo_parse() - read one line, without its end. Return: 0; -EINVAL, -ENOMEM: nothing is
 * owned. */
int mountinfo_parse(const char *line, struct mountinfo_entry *ret);
