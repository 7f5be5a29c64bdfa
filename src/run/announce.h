/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * announce.h - how the run says that it serves: for run.c.
 */
#pragma once

#include "run/state.h"

/** announce_when_due() - all copies have started: say it now, or when the gate is ready, too. */
void announce_when_due(struct run *run);
