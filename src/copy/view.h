/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view.h - what all copies of a run see of the host's files: a mount namespace of its own, made
 * once, in which all of the host's mounts are read-only, nosuid and nodev. Each copy's mount
 * namespace is a copy of it, and follows it: what is unmounted in the view is unmounted in them.
 *
 * The view does not follow the host by itself. If it did (MS_SLAVE), an unmount on the host would
 * be one in the copies at once; but what somebody mounts later would appear in them, too, writable
 * and with its devices and set-user-ID programs. No setting of a mount lets the one through and not
 * the other, and to restrict a new mount afterwards leaves a moment in which it is not restricted.
 * So nothing comes from the host by itself, and whoever has a view watches the host's mounts and
 * drops from the view what has gone there (run/mounts.c). For the copies that is one call, however
 * many they are. What it costs: an unmount on the host takes effect in the copies some milliseconds
 * later, and until then the disk is busy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/helper.h"

/** view_hides() - is @path in a place of which every copy has its own? */
bool view_hides(const char *path);

/** A view that is being made. */
struct view_making {
	int fd; /* will be the namespace; -1: none is being made */
	struct helper helper;
};

/** No view. Start with this value: view_abandon() is then always safe. */
#define VIEW_NONE ((struct view_making){.fd = -1, .helper = HELPER_NONE})

/**
 * view_begin() - begin to make a view of the host's mounts as they are now
 * @hidden: @count paths at which something is mounted in places that view_hides()
 *
 * What is mounted there is not in the view at all: nobody could see it, and yet it would be busy.
 *
 * Return: 0 or -errno, reported. End it with view_finish() or view_abandon().
 */
int view_begin(struct view_making *making, char *const *hidden, size_t count);

/** view_finish() - wait for a view. Return: a descriptor of the namespace or -errno, reported. */
int view_finish(struct view_making *making);

/** view_abandon() - make no view. Safe to repeat. */
void view_abandon(struct view_making *making);

/**
 * view_drop() - unmount in the view, and so in all copies, what is mounted at @count @paths
 *
 * Done by a child. Return: its pidfd, readable when it has ended, to be reaped; or -errno,
 * reported.
 */
int view_drop(int view, char *const *paths, size_t count);

/**
 * view_enter() - give the calling process a mount namespace that is a copy of the view
 * Return: 0 or -errno, reported.
 */
int view_enter(int view);
