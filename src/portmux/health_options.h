/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health_options.h - the options of `portmux run` about the copies' health. Pure.
 *
 * The functions are of the kind that the table in options.c has: each returns 0 or -EINVAL,
 * reported.
 */
#pragma once

#include "portmux/options.h"

/** What stands in options.health if no option has been given. */
extern const struct plan_health HEALTH_DEFAULTS;

/** health_options_kind() - "http:/PATH", "tcp", "exec:COMMAND", "notify". */
int health_options_kind(struct options *options, const char *text);

/** health_options_interval() - seconds from one check to the next. */
int health_options_interval(struct options *options, const char *text);

/** health_options_timeout() - seconds that a check may take. */
int health_options_timeout(struct options *options, const char *text);

/** health_options_retries() - checks that fail in a row. */
int health_options_retries(struct options *options, const char *text);

/** health_options_restart() - a copy that is unhealthy is ended, and starts again. */
int health_options_restart(struct options *options, const char *text);

/** health_options_check() - after all options: do they fit together? */
int health_options_check(const struct options *options);
