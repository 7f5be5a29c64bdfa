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

static bool health_options_is_text(const char *text)
{
	return *text;
}

static const struct {
	const char *name; /* up to the colon, if there is something behind it */
	enum plan_health_kind kind;
	bool (*is_good)(const char *text); /* that behind it; NULL: there must be nothing */
} KINDS[] = {
	{"http:", PLAN_HEALTH_HTTP, health_options_is_path},
	{"tcp", PLAN_HEALTH_TCP, NULL},
	{"exec:", PLAN_HEALTH_EXEC, health_options_is_text},
	{"notify", PLAN_HEALTH_NOTIFY, NULL},
};

int health_options_kind(struct options *options, const char *text)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		size_t length = strlen(KINDS[i].name);
		const char *rest = text + length;

		if (strncmp(text, KINDS[i].name, length) != 0 ||
		    !(KINDS[i].is_good ? KINDS[i].is_good(rest) : !*rest))
			continue;
		options->health.kind = KINDS[i].kind;
		options->health.text = rest;
		return 0;
	}
	return error_say(-EINVAL, "--health %s: http:/PATH, tcp, exec:COMMAND or notify", text);
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
