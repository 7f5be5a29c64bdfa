/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quantity.h - reads numbers with their units, as docker(1) and podman(1) take them. Pure.
 *
 * Each function returns false if @text is no such quantity; @ret is then untouched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

/** quantity_count() - "12", from @least to @most. */
bool quantity_count(const char *text, unsigned int least, unsigned int most, unsigned int *ret);

/** quantity_bytes() - "1000000", "512k", "64m", "2g": more than 0; powers of 1024. */
bool quantity_bytes(const char *text, uint64_t *ret);

/** quantity_per_mille() - "2", "0.25", to three places: more than 0, in thousandths. */
bool quantity_per_mille(const char *text, unsigned int *ret);

/** quantity_rlimit() - "nofile=1024", "nofile=1024:4096", "core=unlimited": NAME=SOFT[:HARD] */
bool quantity_rlimit(const char *text, struct plan_rlimit *ret);
