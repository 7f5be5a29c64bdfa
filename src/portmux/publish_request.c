// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * publish_request.c - "publish" and "unpublish": host ports come and go. Answered when they lead to
 * the copies, or do not any more.
 */
#include "portmux/control.h"
#include "portmux/publish.h"
#include "portmux/requests.h"

/* After the commit: another program can have taken the port meanwhile, which has been said. */
static void publish_on_settled(struct request *request)
{
	const char *said = fleet_said(&request->control->fleet, NULL);

	if (said)
		request_fail(request, "%s", said);
	else
		request_done(request);
}

static void publish_begin(struct request *request,
			  int (*change)(struct fleet *fleet, const struct publish *publish))
{
	const char *text = json_string_value(json_object_get(request->arguments, "mapping"));
	struct fleet *fleet = &request->control->fleet;
	struct publish publish;
	int err;

	fleet_listen(fleet);
	err = publish_parse(&publish, text ? text : "");
	err = err ? err : change(fleet, &publish);
	if (err)
		request_fail(request, "%s", fleet_said(fleet, "cannot be published"));
	else
		request->on_settled = publish_on_settled;
}

void request_publish(struct request *request)
{
	publish_begin(request, fleet_publish);
}

void request_unpublish(struct request *request)
{
	publish_begin(request, fleet_unpublish);
}
