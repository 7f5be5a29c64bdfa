// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * health_options.c - one function for each option, as in options.c.
 */
#include "portmux/health_options.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "portmux/quantity.h"

enum {
	HEALTH_SECONDS_MAX = 3600,
	HEALTH_RETRIES_MAX = 1000,
	HEALTH_PATH_MAX = 1024,
};

const struct plan_health HEALTH_DEFAULTS = {
	.interval_ms = 10000,
	.timeout_ms = 5000,
	.retries = 3,
};

/* Characters that can stand in the first line of a request. */
static bool health_options_is_path(const char *text)
{
	size_t length = 0;

	while (text[length] > ' ' && text[length] <= '~')
		length++;
	return *text == '/' && !text[length] && length <= HEALTH_PATH_MAX;
}

int health_options_kind(struct options *options, const char *text)
{
	static const char HTTP[] = "http:";
	struct plan_health *health = &options->health;

	health->text = NULL;
	if (strcmp(text, "tcp") == 0) {
		health->kind = PLAN_HEALTH_TCP;
	} else if (strcmp(text, "notify") == 0) {
		health->kind = PLAN_HEALTH_NOTIFY;
	} else if (strncmp(text, HTTP, strlen(HTTP)) == 0 &&
		   health_options_is_path(text + strlen(HTTP))) {
		health->kind = PLAN_HEALTH_HTTP;
		health->text = text + strlen(HTTP);
	} else {
		return error_say(-EINVAL, "--health %s: http:/PATH, tcp or notify", text);
	}
	return 0;
}

static int health_options_seconds(struct options *options, const char *option, const char *text,
				  unsigned int *ret_ms)
{
	unsigned int ms;

	options->health_detail = option;
	if (!quantity_per_mille(text, &ms) || ms > HEALTH_SECONDS_MAX * 1000)
		return error_say(-EINVAL, "%s %s: seconds, more than 0, %d at most", option, text,
				 HEALTH_SECONDS_MAX);
	*ret_ms = ms;
	return 0;
}

int health_options_interval(struct options *options, const char *text)
{
	return health_options_seconds(options, "--health-interval", text,
				      &options->health.interval_ms);
}

int health_options_timeout(struct options *options, const char *text)
{
	return health_options_seconds(options, "--health-timeout", text,
				      &options->health.timeout_ms);
}

int health_options_retries(struct options *options, const char *text)
{
	options->health_detail = "--health-retries";
	if (quantity_count(text, 1, HEALTH_RETRIES_MAX, &options->health.retries))
		return 0;
	return error_say(-EINVAL, "--health-retries %s: a number from 1 to %d", text,
			 HEALTH_RETRIES_MAX);
}

int health_options_restart(struct options *options, const char *text)
{
	(void)text;
	options->health_detail = "--restart-unhealthy";
	options->health.restarts = true;
	return 0;
}

int health_options_check(const struct options *options)
{
	if (!options->health_detail || options->health.kind != PLAN_HEALTH_NONE)
		return 0;
	return error_say(-EINVAL, "%s: what to check is missing (--health)",
			 options->health_detail);
}
