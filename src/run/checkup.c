// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * checkup.c - a visit to a copy, its end, and its deadline.
 *
 * A command that takes too long is killed. Its result is known then, but the next one is not begun
 * before it has ended.
 */
#include "run/checkup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "copy/enter.h"

enum { CHECKUP_WHY_MAX = 64 };

static void checkup_on_end(void *data, uint32_t events);
static void checkup_on_deadline(void *data);

void checkup_open(struct checkup *checkup)
{
	checkup->end = (struct loop_source){.fd = -1, .on_event = checkup_on_end, .data = checkup};
	checkup->deadline = (struct loop_timer){.on_time = checkup_on_deadline, .data = checkup};
}

int checkup_begin(struct checkup *checkup, unsigned int timeout_ms)
{
	int report, err;

	checkup_stop(checkup);
	if (checkup->end.fd >= 0)
		return -EBUSY;
	report = checkup->start(checkup->data);
	if (report < 0)
		return report;
	checkup->end.fd = report;
	checkup->is_over = false;
	checkup->timeout_ms = timeout_ms;
	err = loop_watch(checkup->loop, &checkup->end, EPOLLIN);
	if (err) {
		checkup_stop(checkup);
		checkup_close(checkup);
		return err;
	}
	loop_set_timer(checkup->loop, &checkup->deadline, timeout_ms);
	return 0;
}

static void checkup_on_end(void *data, uint32_t events)
{
	struct checkup *checkup = data;
	bool is_over = checkup->is_over;
	char why[CHECKUP_WHY_MAX];
	int status;

	(void)events;
	loop_clear_timer(checkup->loop, &checkup->deadline);
	loop_forget(checkup->loop, &checkup->end);
	status = enter_finish(&checkup->end.fd);
	if (is_over)
		return;
	if (status < 0)
		snprintf(why, sizeof(why), "its check cannot be begun: %s", strerror(-status));
	else
		snprintf(why, sizeof(why), "its check exited with status %d", status);
	checkup->on_result(checkup->data, status == 0 ? NULL : why);
}

static void checkup_on_deadline(void *data)
{
	struct checkup *checkup = data;
	char why[CHECKUP_WHY_MAX];

	snprintf(why, sizeof(why), "its check was not done within %g s",
		 checkup->timeout_ms / 1000.0);
	checkup_stop(checkup);
	checkup->on_result(checkup->data, why);
}

void checkup_stop(struct checkup *checkup)
{
	if (checkup->end.fd < 0 || checkup->is_over)
		return;
	loop_clear_timer(checkup->loop, &checkup->deadline);
	enter_end(checkup->end.fd);
	checkup->is_over = true;
}

void checkup_close(struct checkup *checkup)
{
	if (checkup->end.fd < 0)
		return;
	loop_clear_timer(checkup->loop, &checkup->deadline);
	loop_forget(checkup->loop, &checkup->end);
	fd_close(&checkup->end.fd);
}
