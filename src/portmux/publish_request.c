// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * publish_request.c - "publish" and "unpublish": host ports come and go. Answered when they lead to
 * the copies, or do not any more.
 */
#include "portmux/control.h"
#include "portmux/publish.h"
#include "portmux/requests.h"

static int publish_read(const struct request *request, struct publish *ret)
{
	const char *text = json_string_value(json_object_get(request->arguments, "mapping"));

	return publish_parse(ret, text ? text : "");
}

/* After the commit: another program can have taken the port meanwhile, which has been said. */
static void publish_on_settled(struct request *request)
{
	struct fleet *fleet = &request->control->fleet;
	struct publish publish;

	if (publish_read(request, &publish) == 0 && !fleet_publishes(fleet, &publish)) {
		fleet_unpublish(fleet, &publish);
		request_fail(request, "another program has just taken that port");
	} else {
		request_done(request);
	}
}

/* Return: false: the request has failed. */
static bool publish_change(struct request *request,
			   int (*change)(struct fleet *fleet, const struct publish *publish))
{
	struct fleet *fleet = &request->control->fleet;
	struct publish publish;
	const char *said;
	int err;

	fleet_listen(fleet);
	err = publish_read(request, &publish);
	err = err ? err : change(fleet, &publish);
	said = fleet_said(fleet, "cannot be published");
	if (err)
		request_fail(request, "%s", said);
	return !err;
}

void request_publish(struct request *request)
{
	if (publish_change(request, fleet_publish))
		request->on_settled = publish_on_settled;
}

void request_unpublish(struct request *request)
{
	if (publish_change(request, fleet_unpublish))
		request->on_settled = request_done;
}
