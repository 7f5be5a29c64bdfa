/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.h - lets the copies follow when something is unmounted on the host.
 */
#pragma once

#include "base/loop.h"
#include "copy/container.h"
#include "copy/view.h"
#include "host/mountinfo.h"

struct mounts {
	struct loop *loop; /* NULL: not open */
	struct view_making making;
	int view;                 /* what the copies see (copy/view.h); a slot */
	struct mountinfo in_view; /* what of the host's mounts is in it */
	struct loop_source news;  /* of the host's mounts */
	struct loop_source child; /* which unmounts in the view; fd -1: there is none */
	bool is_due;              /* more has changed meanwhile */
};

/**
 * mounts_begin() - begin to make the view, which is done by a child meanwhile
 * Return: 0 or -errno, reported. mounts_close() in any case.
 */
int mounts_begin(struct mounts *mounts, struct loop *loop);

/**
 * mounts_finish() - wait for the view, and follow from now on
 * Return: 0 or -errno, reported.
 */
int mounts_finish(struct mounts *mounts, struct container_slots *slots);

/** mounts_close() - Safe to repeat, and on zeros. */
void mounts_close(struct mounts *mounts);
