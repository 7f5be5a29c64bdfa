/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * survey.h - what an observer is told, and can ask (run.h): for run.c.
 */
#pragma once

#include "run/state.h"

/** survey_watch_console() - the observer gets what the copies print, and what is said. */
void survey_watch_console(struct run *run);

/** survey_tell_health() - a copy is healthy now, or is unhealthy: tell the observer. */
void survey_tell_health(struct run *run, const struct copy *copy);

/** survey_tell_exit() - all processes of a copy have ended: tell the observer. */
void survey_tell_exit(struct run *run, const struct copy *copy);
