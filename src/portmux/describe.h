/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * describe.h - a copy as a JSON object, for the control socket and for the table (table.h). The
 * keys are in portmux(1).
 */
#pragma once

#include <jansson.h>

#include "run/run.h"

/** describe_copy() - its state, its ports, its counters. Return: an object, or NULL: -ENOMEM. */
json_t *describe_copy(struct run *run, const struct run_copy *copy);
