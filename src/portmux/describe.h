/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * describe.h - a copy as a JSON object, for the control socket and for the table (table.h), and a
 * mapping, for events too. The keys are in portmux(1).
 */
#pragma once

#include <jansson.h>

#include "run/run.h"

/** describe_copy() - its state, its ports, its counters. Return: an object, or NULL: -ENOMEM. */
json_t *describe_copy(struct run *run, const struct run_copy *copy);

/** describe_mapping() - add a mapping's address, ports and protocol to @object. */
void describe_mapping(json_t *object, const struct run_mapping *mapping);
