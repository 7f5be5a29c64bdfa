// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * variables.c - a copy and its mappings as "NAME=VALUE".
 */
#include "run/variables.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

int variables_describe(struct variables *ret, const struct copy *copy)
{
	size_t count = 0, size = 4;

	*ret = (struct variables){0};
	if (!copy->setting->plan->name)
		return 0;
	for (const struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next)
		size++;
	ret->texts = calloc(size, sizeof(*ret->texts));
	ret->list = calloc(size + 1, sizeof(*ret->list));
	if (!ret->texts || !ret->list)
		return error_report(-ENOMEM, "copy %u: cannot describe it", copy->number);
	snprintf(ret->texts[count++], VARIABLES_MAX, "COPY=%u", copy->number);
	snprintf(ret->texts[count++], VARIABLES_MAX, "COPY_NAME=%s", copy->hostname);
	if (copy->setting->plan->health.kind == PLAN_HEALTH_NOTIFY)
		snprintf(ret->texts[count++], VARIABLES_MAX, "NOTIFY_SOCKET=@" VARIABLES_NOTIFY);
	if (copy->mappings)
		snprintf(ret->texts[count++], VARIABLES_MAX, "HOST_PORT=%u",
			 copy->mappings->port.number);
	for (const struct mapping *mapping = copy->mappings; mapping; mapping = mapping->next)
		snprintf(ret->texts[count++], VARIABLES_MAX, "HOST_PORT_%u%s=%u",
			 mapping->copy_port, mapping->port.protocol == IPPROTO_UDP ? "_UDP" : "",
			 mapping->port.number);
	/* Where two have one name, the copy gets the last one: that of the first mapping. */
	for (size_t i = 0; i < count; i++)
		ret->list[i] = ret->texts[count - 1 - i];
	return 0;
}

void variables_free(struct variables *variables)
{
	free(variables->texts);
	free(variables->list);
	*variables = (struct variables){0};
}
