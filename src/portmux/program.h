/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program.h - is the command there, and the directory that it starts in? The command is found as a
 * shell in a copy would find it.
 */
#pragma once

#include "plan.h"

/** program_check() - find plan->argv[0]. Return: 0 or -errno, reported. */
int program_check(const struct plan *plan);

/**
 * program_check_workdir() - find plan->workdir, unless it may be there for a copy only
 * Return: 0 or -errno, reported.
 */
int program_check_workdir(const struct plan *plan);
