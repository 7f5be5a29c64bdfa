// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scale_request.c - "scale" and "restart": a line for each step, and answered when all is done. If
 * the client goes before, all is done nevertheless.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "portmux/control.h"
#include "portmux/program.h"
#include "portmux/requests.h"
#include "portmux/rollout.h"

enum { SCALE_TIMEOUT_S = 60, SCALE_TIMEOUT_MAX_S = 3600 };

static void scale_on_step(void *data, unsigned int copy, const char *state)
{
	request_answer(data, json_pack("{s:i, s:s}", "copy", (int)copy, "state", state));
}

static void scale_on_over(void *data, const char *why)
{
	if (why)
		request_fail(data, "%s", why);
	else
		request_done(data);
}

static void scale_on_end(struct request *request)
{
	rollout_forget(request->control->fleet.rollout, request);
}

static struct rollout_client scale_client(struct request *request)
{
	request->on_end = scale_on_end;
	return (struct rollout_client){
		.on_step = scale_on_step, .on_over = scale_on_over, .data = request};
}

/* Return: 0; or -errno, and the request has failed. */
static int scale_timeout(struct request *request, unsigned int *ret_ms)
{
	unsigned int seconds = SCALE_TIMEOUT_S;
	int err = request_number(request, "timeout", &seconds);

	if (!err && (seconds == 0 || seconds > SCALE_TIMEOUT_MAX_S)) {
		request_fail(request, "timeout: from 1 to %d seconds", SCALE_TIMEOUT_MAX_S);
		return -EINVAL;
	}
	*ret_ms = seconds * 1000;
	return err;
}

void request_scale(struct request *request)
{
	struct fleet *fleet = &request->control->fleet;
	const struct rollout_client client = scale_client(request);
	unsigned int copies = 0, timeout_ms;

	if (request_number(request, "copies", &copies) < 0 ||
	    scale_timeout(request, &timeout_ms) < 0)
		return;
	if (copies < 1 || copies > PLAN_COPIES_MAX) {
		request_fail(request, "%u copies: from 1 to %d are possible", copies,
			     PLAN_COPIES_MAX);
		return;
	}
	fleet_listen(fleet);
	if (rollout_scale(fleet, copies, timeout_ms, &client) < 0)
		request_fail(request, "%s", fleet_said(fleet, "cannot change the copies"));
	else
		fleet_said(fleet, NULL);
}

/* ---- Restart ---- */

/* The array "copies". Return: owned, how->count of them; NULL: the request has failed. */
static unsigned int *restart_read_copies(struct request *request, struct rollout_restart *how)
{
	const json_t *array = json_object_get(request->arguments, "copies");
	size_t count = json_array_size(array);
	unsigned int *numbers =
		count <= PLAN_COPIES_MAX ? calloc(count + 1, sizeof(*numbers)) : NULL;

	if (!numbers || (array && !json_is_array(array))) {
		free(numbers);
		request_fail(request, "copies: is no list of the numbers of copies");
		return NULL;
	}
	for (; how->count < count; how->count++) {
		json_int_t number = json_integer_value(json_array_get(array, how->count));

		/* Others are none of a copy, which is told then. */
		numbers[how->count] =
			number > 0 && number <= PLAN_COPIES_MAX ? (unsigned int)number : 0;
	}
	how->copies = numbers;
	return numbers;
}

/* @arguments: an array of texts. Return: owned, up to NULL; or NULL: it is something else. */
static char **restart_copy_command(const json_t *arguments)
{
	size_t count = json_array_size(arguments);
	char **command = count ? calloc(count + 1, sizeof(char *)) : NULL;

	for (size_t i = 0; command && i < count; i++) {
		const char *text = json_string_value(json_array_get(arguments, i));

		command[i] = text ? strdup(text) : NULL;
		if (!command[i]) {
			fleet_free_command(command);
			return NULL;
		}
	}
	return command;
}

/* The array "argv", which need not be there. Return: 0; or -errno, and the request has failed. */
static int restart_read_command(struct request *request, char ***ret)
{
	const json_t *arguments = json_object_get(request->arguments, "argv");
	struct fleet *fleet = &request->control->fleet;
	struct plan plan = *fleet->plan;
	char **command = NULL;
	int err = 0;

	if (!arguments)
		return 0;
	command = restart_copy_command(arguments);
	if (!command) {
		request_fail(request, "argv: is no list of texts");
		return -EINVAL;
	}
	fleet_listen(fleet);
	err = program_resolve(&plan, &command[0]);
	plan.argv = command;
	err = err ? err : program_check(&plan);
	if (err) {
		request_fail(request, "%s", fleet_said(fleet, "there is no such command"));
		fleet_free_command(command);
		return err;
	}
	fleet_said(fleet, NULL);
	*ret = command;
	return 0;
}

void request_restart(struct request *request)
{
	struct fleet *fleet = &request->control->fleet;
	const struct rollout_client client = scale_client(request);
	struct rollout_restart how = {
		.surges = json_is_true(json_object_get(request->arguments, "surge"))};
	unsigned int *numbers = restart_read_copies(request, &how);

	if (numbers && scale_timeout(request, &how.timeout_ms) == 0 &&
	    restart_read_command(request, &how.command) == 0) {
		fleet_listen(fleet);
		if (rollout_restart(fleet, &how, &client) < 0)
			request_fail(request, "%s", fleet_said(fleet, "cannot restart the copies"));
		else
			fleet_said(fleet, NULL);
	}
	free(numbers);
}
