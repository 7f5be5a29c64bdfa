/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth.h - how a copy is made: for copy.c.
 */
#pragma once

#include "run/copy.h"

/**
 * birth_begin() - make the copy's first process and its link
 * Return: 0: LIFE_SET_UP, LIFE_EXITED or copy_fail() will follow; or -errno, reported.
 */
int birth_begin(struct copy *copy);

/**
 * birth_tell_guardian() - tell the guardian about the copy, again
 *
 * The guardian was busy: so @copy->look was set, and calls this while the copy is in
 * LIFE_PREPARING.
 */
void birth_tell_guardian(struct copy *copy);
