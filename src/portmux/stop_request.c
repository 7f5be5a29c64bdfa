// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stop_request.c - "stop", and "kill", which does not wait for the copies to end by themselves.
 * Both are answered when it is done.
 */
#include "portmux/requests.h"

void request_stop(struct request *request)
{
	request->awaits_end = true;
	run_stop(request->run);
}

static void kill_on_exit(struct request *request, const struct run_copy *copy)
{
	if (copy->number == json_integer_value(json_object_get(request->arguments, "copy")))
		request_done(request);
}

static void kill_copy(struct request *request, unsigned int number)
{
	request->on_exit = kill_on_exit;
	if (run_kill_copy(request->run, number) < 0)
		request_fail(request, "copy %u does not run", number);
}

void request_kill(struct request *request)
{
	unsigned int number = 0;

	if (request_copy(request, &number) < 0)
		return;
	if (number) {
		kill_copy(request, number);
		return;
	}
	request->awaits_end = true;
	run_kill(request->run);
}
