// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ps_request.c - "ps": how the copies are.
 */
#include "portmux/control.h"
#include "portmux/describe.h"
#include "portmux/requests.h"

struct ps {
	unsigned int next, last; /* the copies that are still to be answered, by their numbers */
};

static void ps_on_room(struct request *request)
{
	struct ps *ps = request->data;

	for (; ps->next <= ps->last && request_has_room(request); ps->next++) {
		struct run_copy copy;

		if (run_find_copy(request->run, ps->next, &copy))
			request_answer(request, describe_copy(request->run, &copy));
	}
	if (ps->next > ps->last)
		request_done(request);
}

static void ps_on_end(struct request *request)
{
	free(request->data);
}

void request_ps(struct request *request)
{
	unsigned int number = 0;
	struct ps *ps;

	if (request_copy(request, &number) < 0)
		return;
	ps = calloc(1, sizeof(*ps));
	if (!ps) {
		request_fail(request, "the manager has no memory left");
		return;
	}
	ps->next = number ? number : 1;
	ps->last = number ? number : run_last_number(request->run);
	request->data = ps;
	request->on_room = ps_on_room;
	request->on_end = ps_on_end;
	control_count(request->control);
}
