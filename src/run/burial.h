/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burial.h - what is done when a copy has ended: for copy.c.
 */
#pragma once

#include "run/copy.h"

/**
 * burial_of() - reap a copy that has ended, say how it has ended, decide whether it starts again
 * @before: its state before
 */
void burial_of(struct copy *copy, enum life_state before);
