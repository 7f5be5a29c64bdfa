/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program.h - is the command there, and the directory that it starts in? The command is found as a
 * shell in a copy would find it.
 */
#pragma once

#include "plan.h"

/**
 * program_resolve() - where a copy works in a directory of its own, a path such as ./server would
 * lead there: what is meant is the file in the plan's directory
 * @program: argv[0], owned; replaced by another text
 *
 * Return: 0 or -errno, reported.
 */
int program_resolve(const struct plan *plan, char **program);

/** program_check() - find plan->argv[0]. Return: 0 or -errno, reported. */
int program_check(const struct plan *plan);

/**
 * program_check_workdir() - find plan->workdir, unless it may be there for a copy only
 * Return: 0 or -errno, reported.
 */
int program_check_workdir(const struct plan *plan);
