/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - a run, as its two files see it: start.c and run.c.
 */
#pragma once

#include "run/crew.h"
#include "run/run.h"
#include "run/signals.h"

enum run_phase {
	RUN_WAITING, /* for the guardian */
	RUN_STARTING,
	RUN_SERVING,
	RUN_ENDING, /* the copies have been told to end */
	RUN_OVER,
};

struct run {
	const struct plan *plan;
	enum run_phase phase;
	int err; /* why it ends; 0: it was asked to */
	struct loop loop;
	struct console console;
	struct signals signals;
	struct identity identity;
	struct filter filter;
	struct container_slots slots;
	struct guardian guardian;
	struct loop_source answer;      /* the guardian's */
	struct loop_source watchdog;    /* the guardian has ended */
	struct loop_timer answer_timer; /* it is late */
	struct loop_timer hint_timer;   /* the end takes long */
	struct log log;
	struct cgroup cgroup;
	struct places places;
	struct network network;
	bool is_installed; /* the table is there */
	bool has_told_ipv6;
	struct crew crew;
	void (*on_change)(void *data, struct run *run, unsigned int number, enum life_state state);
	void *data;
};

/** run_end() - have the copies end, and then the run. @err: why; 0: somebody has asked for it. */
void run_end(struct run *run, int err);

/** run_on_bridge_gone() - for network_open(). */
void run_on_bridge_gone(void *data);
