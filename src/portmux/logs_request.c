// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * logs_request.c - "logs": what the copies have printed last, and with "follow" what they print
 * until the run is over.
 */
#include "portmux/control.h"
#include "portmux/event.h"
#include "portmux/requests.h"
#include "run/output.h"

struct logs {
	struct printed_reader reader;
	bool follows;
};

static void logs_answer_gap(struct request *request, unsigned int number)
{
	request_answer(request, json_pack("{s:s, s:i}", "event", "lost", "copy", (int)number));
}

static void logs_on_room(struct request *request)
{
	struct logs *logs = request->data;
	char text[OUTPUT_LINE_MAX];
	struct ring_line line;
	unsigned int number;
	bool is_gap = false;

	while (request_has_room(request)) {
		if (!printed_next(&request->control->printed, &logs->reader, &number, &line, text,
				  &is_gap)) {
			if (!logs->follows)
				request_done(request);
			return;
		}
		if (is_gap)
			logs_answer_gap(request, number);
		request_answer(request, event_printed(number, &line.time, text, line.length));
	}
}

static void logs_on_end(struct request *request)
{
	struct logs *logs = request->data;

	free(logs->reader.offsets);
	free(logs);
}

void request_logs(struct request *request)
{
	unsigned int number = 0;
	struct logs *logs;

	if (request_number(request, "copy", &number) < 0)
		return;
	if (number && !printed_has(&request->control->printed, number) &&
	    request_copy(request, &number) < 0)
		return;
	logs = calloc(1, sizeof(*logs));
	if (!logs) {
		request_fail(request, "the manager has no memory left");
		return;
	}
	logs->reader.only = number;
	logs->follows = json_is_true(json_object_get(request->arguments, "follow"));
	request->data = logs;
	request->awaits_end = logs->follows;
	request->on_room = logs_on_room;
	request->on_end = logs_on_end;
}
