/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.h - the control socket of a run, in the manager: who may connect, and how many at a time.
 *
 * It is the socket that takes the name of the run: "portmux/NAME" in the abstract namespace of the
 * host's network (man 7 unix). No copy sees it, because each has a network of its own, and it
 * leaves nothing behind. What a client can ask for is in request.h.
 */
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/loop.h"
#include "portmux/fleet.h"
#include "portmux/printed.h"
#include "portmux/request.h"
#include "run/run.h"

#define CONTROL_PREFIX "portmux/" /* and the name of the run; a NUL is before it */

struct control {
	int socket;      /* listens; owned; -1: closed */
	uid_t caller;    /* who has called sudo */
	struct run *run; /* NULL: before control_serve() */
	struct loop *loop;
	struct loop_source source;
	struct loop_timer again; /* when to accept clients again */
	struct request *first;   /* of all clients, by the time they came; owned */
	struct request **last;
	unsigned int count;
	struct printed printed;
	struct fleet fleet;
	uint64_t counted_ns; /* when the kernel's counters were read last */
};

/** control_address() - where the run of that name listens. Return: the length of @ret. */
socklen_t control_address(const char *name, struct sockaddr_un *ret);

/**
 * control_open() - take the name
 * @caller: who may connect beside root and the user that this process runs as
 *
 * Return: 0 or -errno, reported. Call control_close() in any case.
 */
int control_open(struct control *control, const char *name, uid_t caller);

/**
 * control_serve() - let clients connect from now on, and watch the run for them (run_observe())
 * @run: before run_live()
 *
 * If that fails, it is reported, and the run has no clients.
 */
void control_serve(struct control *control, const struct plan *plan, struct run *run);

/** control_count() - read the kernel's counters (run_count()), unless they are fresh. */
void control_count(struct control *control);

/**
 * control_close() - give the name back, and tell those who wait for the end of the run
 *
 * To be called when the run is over, after everything else that the next run of this name needs.
 */
void control_close(struct control *control);
