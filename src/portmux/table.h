/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - a run at a glance: its copies, their ports, states and counters, for people.
 */
#pragma once

#include "run/run.h"

/** table_show() - print the table on standard error (SIGUSR1). */
void table_show(struct run *run);
