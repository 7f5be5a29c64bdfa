/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth.h - how a copy is made: for copy.c.
 */
#pragma once

#include "run/copy.h"

/**
 * birth_begin() - make its first process and its link
 * Return: 0: LIFE_SET_UP, LIFE_EXITED or copy_fail() will follow; or -errno, reported.
 */
int birth_begin(struct copy *copy);

/** birth_tell_guardian() - once more: the guardian was busy, and @copy->look was set for this. */
void birth_tell_guardian(struct copy *copy);
