/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - the directory where a run keeps its copies' files: it outlives the run, and is the same
 * for the next run of the same name.
 */
#pragma once

#include "copy/identity.h"
#include "portmux/options.h"

/**
 * state_find() - where it is, or will be: what --state says; or else
 * $XDG_STATE_HOME/portmux/NAME or ~/.local/state/portmux/NAME of the caller
 * @path: absolute and without symbolic links, in PATH_MAX bytes
 *
 * Makes nothing. Return: 0 or -errno, reported.
 */
int state_find(const struct options *options, const struct identity *caller, char *path);

/**
 * state_check() - can plan->places hold what the plan asks for? Looks at its file system only.
 * Return: 0 or -errno, reported.
 */
int state_check(const struct plan *plan);

/** state_make() - make it, with its parents, as that user. Return: 0 or -errno, reported. */
int state_make(const char *path, const struct identity *caller);

/**
 * state_take() - keep other runs out, whose copies would write to the same files
 * Return: a descriptor, to be held until the run is over; or -errno, reported.
 */
int state_take(const char *path);
