// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * burial.c - the end of a copy: what it printed last, how it has ended, and whether that was all.
 */
#include "run/burial.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/process.h"
#include "run/drain.h"
#include "run/share.h"

static void burial_format_end(bool is_reported, int status, char *how, size_t size)
{
	if (!is_reported && WIFEXITED(status))
		snprintf(how, size, "could not be set up");
	else if (!is_reported)
		snprintf(how, size, "was killed");
	else
		process_format_end(status, how, size);
}

/* A port that leads to other copies, too, is not refused. */
static void burial_tell_refused(const struct copy *copy, const char *how)
{
	char ports[128] = "";
	size_t length = 0;
	unsigned int count = 0;

	for (const struct mapping *mapping = copy->mappings; mapping && length < sizeof(ports);
	     mapping = mapping->next) {
		if (mapping->share && mapping->share->count > 0)
			continue;
		length += (size_t)snprintf(ports + length, sizeof(ports) - length, "%s %u",
					   length ? "," : "", mapping->port.number);
		count++;
	}
	if (count == 0)
		error_say(0, "copy %u: %s", copy->number, how);
	else
		error_say(0, "copy %u: %s; port%s%s %s refused from now on", copy->number, how,
			  count > 1 ? "s" : "", ports, count > 1 ? "are" : "is");
}

/* A copy that could not even be made once will not be made the next time either. */
static void burial_plan_return(struct copy *copy, const char *how)
{
	enum plan_restart policy =
		copy->is_given_up ? PLAN_RESTART_ALWAYS : copy->setting->plan->restart;
	unsigned int delay_ms;

	if ((copy->has_failed && copy->restarts == 0) ||
	    (!copy->is_kept && !restart_is_wanted(policy, copy->has_succeeded)))
		return;
	delay_ms = restart_next_ms(&copy->restart);
	copy->returns_ns = loop_now_ns() + delay_ms * 1000000ULL;
	error_say(0, "copy %u: %s; starting again in %g s", copy->number, how, delay_ms / 1000.0);
}

/* It reports its own errors, but it cannot report that it was killed. */
static void burial_tell_unborn(const struct copy *copy, int status)
{
	if (WIFSIGNALED(status))
		error_say(0, "copy %u: was killed while it was set up", copy->number);
}

void burial_of(struct copy *copy, enum life_state before)
{
	struct copy_setting *setting = copy->setting;
	bool is_news = before == LIFE_PREPARING && !copy->has_failed;
	bool is_reported = false;
	char how[64] = "could not be started";
	int status = 0;

	/* Print the copy's last output before the message that it has ended. */
	printer_close(&copy->printer);
	journal_close(&copy->journal);
	if (copy->container.pidfd >= 0)
		is_reported = container_reap(&copy->container, &status);
	copy->has_status = is_reported;
	copy->status = status;
	copy_withdraw(copy);
	drain_end(copy);
	copy_forget_container(copy);
	if (copy->is_asked)
		return;
	if (is_news && !is_reported) {
		copy->has_failed = true;
		burial_tell_unborn(copy, status);
	}
	copy->has_succeeded =
		is_reported && !copy->has_failed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (copy->is_given_up)
		snprintf(how, sizeof(how), "was unhealthy");
	else if (!copy->has_failed)
		burial_format_end(is_reported, status, how, sizeof(how));
	burial_plan_return(copy, how);
	if (!copy->returns_ns && !copy->has_failed)
		burial_tell_refused(copy, how);
	if (is_news)
		setting->on_failed(setting->data, copy, -EPIPE);
}
