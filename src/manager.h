/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manager.h - the engine's one door.
 */
#pragma once

#include "plan.h"

/**
 * manager_run() - carry the plan out, until it is stopped or has failed
 *
 * Blocks signals and never restores them: the caller is expected to exit.
 *
 * Return: the process's exit status: EXIT_SUCCESS stopped as asked (SIGINT, SIGTERM, SIGHUP),
 * EXIT_FAILURE otherwise, and why is reported.
 */
int manager_run(const struct plan *plan);
