// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * checkup.c - a process, its end, and its deadline.
 *
 * A command that takes too long is killed. Its result is known then, but it stays ours until it has
 * ended, since it must be reaped.
 */
#include "run/checkup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
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
	int pidfd, err;

	checkup_stop(checkup);
	if (checkup->end.fd >= 0)
		return -EBUSY;
	pidfd = checkup->start(checkup->data);
	if (pidfd < 0)
		return pidfd;
	checkup->end.fd = pidfd;
	checkup->is_over = false;
	checkup->timeout_ms = timeout_ms;
	err = loop_watch(checkup->loop, &checkup->end, EPOLLIN);
	if (err) {
		checkup_stop(checkup);
		checkup_close(checkup);
		return error_report(err, "cannot wait for the command of a health check");
	}
	loop_set_timer(checkup->loop, &checkup->deadline, timeout_ms);
	return 0;
}

static void checkup_on_end(void *data, uint32_t events)
{
	struct checkup *checkup = data;
	bool is_over = checkup->is_over;
	char how[CHECKUP_WHY_MAX - 16], why[CHECKUP_WHY_MAX];
	int status = 0;

	(void)events;
	if (process_wait(checkup->end.fd, 0, &status) == -ETIMEDOUT)
		return;
	checkup_close(checkup);
	if (is_over)
		return;
	process_format_end(status, how, sizeof(how));
	snprintf(why, sizeof(why), "its check %s", how);
	checkup->on_result(checkup->data,
			   WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL : why);
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
	process_wait(checkup->end.fd, 0, NULL);
	fd_close(&checkup->end.fd);
}
