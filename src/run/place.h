/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place.h - the directories of the host that are a copy's own: its working directory and its /tmp.
 *
 * They outlive the run, and belong to the user whom the copy runs as.
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
	int directory; /* the plan's directory, and its places in it; -1: not open */
};

/** One copy's place. A member of its owner's structure; zeros: nothing was made. */
struct place {
	struct log_entry *made; /* of directories that are there for this life only; owned */
	size_t made_count;
};

/** places_open() - make and open what all places lie in; the rest of @places is given.
 * Return: 0 or -errno, reported. */
int places_open(struct places *places);

/** places_close() - Safe to repeat. */
void places_close(struct places *places);

/** places_path() - "files" or "tmp" of copy @number: its absolute path, in PATH_MAX bytes. */
void places_path(const struct places *places, unsigned int number, const char *name, char *path);

/**
 * place_make() - make copy @number's directories, as far as they are not there
 * Return: 0 or -errno, reported. place_leave() in any case.
 */
int place_make(struct place *place, const struct places *places, unsigned int number);

/** place_leave() - the copy has ended: remove what was made for its life only. Safe to repeat. */
void place_leave(struct place *place, const struct places *places, unsigned int number);
