/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start.h - begins to carry a plan out, up to copies that are being started: for run.c.
 */
#pragma once

#include "run/state.h"

/**
 * start_begin() - check the plan, and start the guardian; the rest follows by events
 *
 * Loop, console, signals and crew must be open. A later failure ends the run (run_end()).
 *
 * Return: 0 or -errno, reported.
 */
int start_begin(struct run *run);

/**
 * start_raise_file_limit() - allow this process the descriptors that so many copies and ports need
 * @ret_before: the limit as it was
 *
 * Return: 0 or -errno, reported.
 */
int start_raise_file_limit(size_t copies, size_t ports, struct rlimit *ret_before);
