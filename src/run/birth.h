/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth.h - how a copy is made: for copy.c.
 */
#pragma once

#include "run/copy.h"

/**
 * birth_begin() - make the copy's first process
 * Return: 0: LIFE_SET_UP, LIFE_EXITED or copy_fail() will follow; or -errno, reported.
 */
int birth_begin(struct copy *copy);

/**
 * birth_go_on() - make its link; tell the guardian about the copy
 *
 * When the first process has been made, @copy->look calls this in the next turn of the loop; and
 * later again, if the guardian was busy.
 */
void birth_go_on(struct copy *copy);
