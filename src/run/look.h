/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * look.h - whether a copy listens, and the mappings that follow from it: for copy.c.
 */
#pragma once

#include "run/copy.h"

/** look_begin() - look again and again from now on, whenever @copy->look is due (look_at()). */
void look_begin(struct copy *copy);

/**
 * look_at() - look, lead its mappings on or not (mapping_follow()), and say LIFE_LISTENS or
 * LIFE_DEAF where that has changed
 */
void look_at(struct copy *copy);
