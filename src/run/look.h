/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * look.h - finds out whether a copy listens and is healthy, and switches its mappings accordingly:
 * for copy.c.
 */
#pragma once

#include "run/copy.h"

/** look_open() - get ready to look, and to check the copy's health (health.h). Return: 0 or
 * -ENOMEM, reported. */
int look_open(struct copy *copy);

/** look_close() - after health_close(): free what look_open() has made. Safe to repeat. */
void look_close(struct copy *copy);

/** look_begin() - begin to look again and again: set @copy->look, which calls look_at(). */
void look_begin(struct copy *copy);

/**
 * look_at() - look once, and switch the mappings (mapping_follow()). If the copy now listens or
 * does not any more, cause LIFE_LISTENS or LIFE_DEAF. A copy that is not healthy is treated as one
 * that does not listen.
 */
void look_at(struct copy *copy);
