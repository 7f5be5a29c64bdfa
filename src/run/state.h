/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - struct run, for the files that know what is in it: start.c, run.c, announce.c,
 * survey.c, visit.c.
 */
#pragma once

#include "rootless/gate.h"
#include "run/crew.h"
#include "run/mounts.h"
#include "run/run.h"
#include "run/signals.h"

enum run_phase {
	RUN_WAITING, /* the guardian has not answered yet */
	RUN_STARTING,
	RUN_SERVING,
	RUN_ENDING, /* the copies have been told to end */
	RUN_OVER,
};

struct run {
	const struct plan *plan;
	enum run_phase phase;
	int err; /* why the run ends; 0: somebody has asked for it, or all is done */
	struct loop loop;
	struct console console;
	struct signals signals;
	struct identity identity;
	struct container_slots slots;
	struct gate gate;               /* to the host's network, where the run is a plain user's */
	struct loop_source gate_source; /* the gate has answered, or has ended */
	struct loop_timer gate_timer;   /* an answer of the gate's is late */
	struct guardian guardian;
	struct loop_source answer;      /* the guardian's answer is there */
	struct loop_source watchdog;    /* the guardian has ended */
	struct loop_timer answer_timer; /* the guardian's answer is late */
	struct loop_timer flows_timer;  /* when to look for stale UDP flows again */
	struct loop_timer smooth_timer; /* when to deal the buckets of shared ports in turn again */
	struct loop_timer hint_timer;   /* the end takes long: say why */
	struct log log;
	struct cgroup cgroup;
	struct places places;
	struct mounts mounts;
	struct network network;
	bool is_installed; /* the table is there */
	bool has_told_ipv6;
	bool has_lost; /* a copy has ended by itself, in another way than with exit status 0 */
	struct crew crew;
	struct run_observer observers[RUN_OBSERVERS_MAX];
	size_t observer_count;
};

/**
 * RUN_TELL() - call one of the functions of each observer that has it
 * @what: its name; the arguments that follow come after its data and the run
 */
#define RUN_TELL(run, what, ...)                                                                  \
	do                                                                                        \
		for (size_t tell_i = 0; tell_i < (run)->observer_count; tell_i++)                 \
			if ((run)->observers[tell_i].what)                                        \
				(run)->observers[tell_i].what((run)->observers[tell_i].data, run, \
							      ##__VA_ARGS__);                     \
	while (0)

/** run_end() - end the copies, and then the run. @err: why; 0: as asked, or all is done. */
void run_end(struct run *run, int err);

/** run_on_bridge_gone() - the bridge was deleted: end the run. For network_open(). */
void run_on_bridge_gone(void *data);
