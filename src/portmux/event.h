/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - what happens in a run, as JSON, one object a line (--json). The keys are in portmux(1).
 */
#pragma once

#include <jansson.h>
#include <time.h>

#include "run/run.h"

/** event_copy() - "started", "restarted" or "exited". */
void event_copy(struct run *run, const char *event, const struct run_copy *copy);

/** event_ready() - "ready": one line for each mapping of a copy; without any, just one. */
void event_ready(struct run *run, unsigned int number);

/** event_printed() - "output", as a line on the control socket. Return: NULL: there is no memory.
 */
json_t *event_printed(unsigned int number, const struct timespec *time, const char *text,
		      size_t length);

/** event_health() - "healthy" or "unhealthy". */
void event_health(struct run *run, const struct run_copy *copy);

/** event_output() - "output": a copy has printed a line. */
void event_output(struct run *run, unsigned int number, const char *text, size_t length);

/** event_error() - "error": a line for people, with its prefix and newline. */
void event_error(struct run *run, const char *line, size_t length);

/** event_stopped() - "stopped": the last line. */
void event_stopped(struct run *run, int status);
