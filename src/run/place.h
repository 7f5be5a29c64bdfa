/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place.h - the directories of the host that belong to one copy: its working directory and its
 * /tmp.
 *
 * They stay after the run. They belong to the user as whom the copy runs.
 */
#pragma once

#include <limits.h>

#include "copy/identity.h"
#include "host/log.h"
#include "plan.h"

/** What all places of a run have in common. */
struct places {
	const struct plan *plan;
	const struct identity *identity;
	struct log *log;
	int directory; /* the directory PLACES of the plan; -1: not open */
};

/** One copy's place. A member of its owner's structure. All zeros: nothing was made. */
struct place {
	struct log_entry *made; /* the log's entries of directories for this life only; owned */
	size_t made_count;
};

/**
 * places_open() - make and open the directory that holds all places
 * @places: everything but @directory is given
 *
 * Return: 0 or -errno, reported.
 */
int places_open(struct places *places);

/** places_close() - close the directory. Safe to repeat. */
void places_close(struct places *places);

/** places_path() - "files" or "tmp" of copy @number, NULL: the directory with both: its absolute
 * path, in PATH_MAX bytes. */
void places_path(const struct places *places, unsigned int number, const char *name, char *path);

/**
 * place_make() - make those of copy @number's directories that do not exist yet
 * Return: 0 or -errno, reported. Call place_leave() in any case.
 */
int place_make(struct place *place, const struct places *places, unsigned int number);

/** place_leave() - the copy has ended: remove what was made for this life only. Safe to repeat. */
void place_leave(struct place *place, const struct places *places, unsigned int number);
