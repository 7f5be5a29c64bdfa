/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - tells people, programs (--json) and the service manager what happens in a run.
 */
#pragma once

#include "portmux/notify.h"
#include "run/run.h"

struct report {
	const struct plan *plan;
	bool is_json, is_quiet;
	struct notify notify;
	enum life_state *states; /* of the copies, by number; owned */
	unsigned int size;       /* of @states */
	unsigned int ready;      /* copies that are */
	unsigned int ended;      /* those that do not start again */
	bool is_serving, is_ending;
	bool has_told_ready; /* the service manager has been */
	uint64_t told_ns;    /* when the status was told last, and what: */
	unsigned int told_ready;
};

/**
 * report_open() - begin, before the run does
 * @report: @plan, @is_json and @is_quiet are given, the rest is zero
 */
void report_open(struct report *report);

/** report_observer() - for run_observe(). @report must live as long as the run. */
struct run_observer report_observer(struct report *report);

/** report_close() - the run is over. */
void report_close(struct report *report);
