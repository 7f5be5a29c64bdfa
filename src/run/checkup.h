/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * checkup.h - asks a command whether a copy is well: its exit status is 0. Nothing here waits.
 */
#pragma once

#include "base/loop.h"

/** A member of its owner's structure. */
struct checkup {
	struct loop *loop;
	/* Start the command. Return: a socket or -errno, as visit_begin(). */
	int (*start)(void *data);
	/* @why: what is wrong; NULL: nothing. The checkup may be begun again, or stopped. */
	void (*on_result)(void *data, const char *why);
	void *data;
	unsigned int timeout_ms;
	struct loop_source end; /* the command has ended; its descriptor is -1: none runs */
	struct loop_timer deadline;
	bool is_over; /* nobody waits for the result of the command any more */
};

/** checkup_open() - get ready. The callbacks, @data and @loop are given, the rest is zero. */
void checkup_open(struct checkup *checkup);

/**
 * checkup_begin() - start the command; on_result() tells how it has ended, once
 * Return: 0; -EBUSY: an earlier one was stopped, and has not ended yet; or another -errno.
 */
int checkup_begin(struct checkup *checkup, unsigned int timeout_ms);

/** checkup_stop() - end the command, and do not tell how. Safe to repeat. */
void checkup_stop(struct checkup *checkup);

/** checkup_close() - forget a command that was stopped, or whose copy has ended. Safe to repeat. */
void checkup_close(struct checkup *checkup);
