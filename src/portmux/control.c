// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * control.c - accepts clients, a few in each turn of the loop, and keeps a list of their requests.
 *
 * Who is not allowed to connect gets one line, and takes up nothing. There is a limit for all
 * others: when it is reached, the client that has said nothing for longest has to go, then the one
 * that has not read for longest. If all of them have work in hand, a new one waits a moment, and
 * then it is refused.
 */
#include "portmux/control.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	CONTROL_CLIENTS_MAX = 128,    /* see START_FILES_DOOR in run/start.c */
	CONTROL_ACCEPT_MAX = 16,      /* in one turn of the loop */
	CONTROL_AGAIN_MS = 20,        /* when there was no room, or no descriptor */
	CONTROL_IDLE_NS = 100000000,  /* that each client has, whoever else comes */
	CONTROL_FRESH_NS = 100000000, /* that what was counted is not counted anew */
	CONTROL_NOBODY = 65534, /* the kernel's word for a user that our namespace does not know */
};

socklen_t control_address(const char *name, struct sockaddr_un *ret)
{
	int length;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	length = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, CONTROL_PREFIX "%s", name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* ---- Who may ---- */

static bool control_allows(const struct control *control, int socket)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	return peer.uid == 0 || (peer.uid != CONTROL_NOBODY &&
				 (peer.uid == getuid() || peer.uid == control->caller));
}

/* ---- How many ---- */

static bool control_is_silent(const struct request *request)
{
	return !request->has_begun;
}

static bool control_is_stuck(const struct request *request)
{
	return request->output.length > 0;
}

static bool control_is_idle(const struct request *request, uint64_t now)
{
	return !request->has_ended && now - request->since_ns > CONTROL_IDLE_NS;
}

/* Return: NULL: there is no such client. */
static struct request *control_find_oldest(const struct control *control,
					   bool (*is_meant)(const struct request *request))
{
	uint64_t now = loop_now_ns();

	for (struct request *request = control->first; request; request = request->next)
		if (is_meant(request) && control_is_idle(request, now))
			return request;
	return NULL;
}

/* Who has to go if one more comes? Return: NULL: nobody can be sent away. */
static struct request *control_find_idle(const struct control *control)
{
	struct request *silent = control_find_oldest(control, control_is_silent);

	return silent ? silent : control_find_oldest(control, control_is_stuck);
}

static void control_sweep(struct control *control)
{
	struct request **at = &control->first;

	while (*at) {
		struct request *request = *at;

		if (!request->has_ended) {
			at = &request->next;
			continue;
		}
		*at = request->next;
		control->count--;
		request_free(request);
	}
	control->last = at;
}

/* Return: is there room for one more? */
static bool control_make_room(struct control *control)
{
	struct request *idle;

	if (control->count < CONTROL_CLIENTS_MAX)
		return true;
	idle = control_find_idle(control);
	if (!idle)
		return false;
	request_end(idle);
	control_sweep(control);
	return true;
}

/* Is it too early to refuse one more? One that has just come may soon be gone, or idle. */
static bool control_is_busy(const struct control *control)
{
	uint64_t now = loop_now_ns();

	if (control->count < CONTROL_CLIENTS_MAX || control_find_idle(control))
		return false;
	for (const struct request *request = control->first; request; request = request->next)
		if (!control_is_idle(request, now))
			return true;
	return false;
}

/* ---- Clients that come ---- */

static void control_add(struct control *control, int socket)
{
	struct request *request;

	if (!control_allows(control, socket)) {
		request_refuse(socket, "not allowed: this run belongs to somebody else");
		return;
	}
	if (!control_make_room(control)) {
		request_refuse(socket, "this run has too many clients");
		return;
	}
	request = request_new(control, control->run, socket);
	if (!request)
		return;
	*control->last = request;
	control->last = &request->next;
	control->count++;
}

static void control_pause(struct control *control)
{
	loop_forget(control->loop, &control->source);
	loop_set_timer(control->loop, &control->again, CONTROL_AGAIN_MS);
}

static void control_on_clients(void *data, uint32_t events)
{
	struct control *control = data;

	(void)events;
	for (int i = 0; i < CONTROL_ACCEPT_MAX; i++) {
		int socket;

		if (control_is_busy(control)) {
			control_pause(control);
			return;
		}
		socket = accept4(control->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (socket < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
				control_pause(control);
			return;
		}
		control_add(control, socket);
	}
}

static void control_on_again(void *data)
{
	struct control *control = data;

	loop_watch(control->loop, &control->source, EPOLLIN);
}

/* ---- What the run tells ---- */

/* Calls a function of each request that has it, and goes on. */
#define CONTROL_TELL(control, what, ...)                                               \
	do                                                                             \
		for (struct request *told = (control)->first; told; told = told->next) \
			if (told->what && !told->is_answered && !told->has_ended)      \
				told->what(told, ##__VA_ARGS__);                       \
	while (0)

static void control_on_output(void *data, struct run *run, unsigned int number, const char *text,
			      size_t length)
{
	struct control *control = data;

	(void)run;
	printed_add(&control->printed, number, text, length);
}

static void control_on_change(void *data, struct run *run, unsigned int number,
			      enum life_state state)
{
	struct control *control = data;

	(void)run;
	CONTROL_TELL(control, on_change, number, state);
}

static void control_on_exit(void *data, struct run *run, const struct run_copy *copy)
{
	struct control *control = data;

	(void)run;
	CONTROL_TELL(control, on_exit, copy);
}

static void control_on_settled(void *data, struct run *run)
{
	struct control *control = data;

	(void)run;
	for (struct request *request = control->first; request; request = request->next)
		request_settle(request);
	control_sweep(control);
}

static void control_on_over(void *data, struct run *run, int status)
{
	struct control *control = data;

	(void)run;
	(void)status;
	loop_forget(control->loop, &control->source);
	loop_clear_timer(control->loop, &control->again);
	for (struct request *request = control->first; request; request = request->next)
		request_over(request);
	fleet_close(&control->fleet);
}

/* ---- From beginning to end ---- */

int control_open(struct control *control, const char *name, uid_t caller)
{
	struct sockaddr_un address;
	socklen_t length = control_address(name, &address);

	*control = (struct control){.caller = caller};
	control->last = &control->first;
	control->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->socket < 0)
		return error_report(-errno, "cannot take the name %s", name);
	if (bind(control->socket, (const struct sockaddr *)&address, length) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return error_say(
			-errno, "a run named %s is there already: use another name (--name)", name);
	return error_report(-errno, "cannot take the name %s", name);
}

void control_serve(struct control *control, const struct plan *plan, struct run *run)
{
	const struct run_observer observer = {
		.on_change = control_on_change,
		.on_exit = control_on_exit,
		.on_output = control_on_output,
		.on_settled = control_on_settled,
		.on_over = control_on_over,
		.data = control,
	};
	int err;

	control->run = run;
	control->loop = run_loop(run);
	control->source = (struct loop_source){
		.fd = control->socket, .on_event = control_on_clients, .data = control};
	control->again = (struct loop_timer){.on_time = control_on_again, .data = control};
	/* First the fleet: what it answers in a turn of the loop is sent in the same one. */
	err = fleet_open(&control->fleet, plan, run);
	run_observe(run, &observer);
	if (!err && listen(control->socket, SOMAXCONN) < 0)
		err = -errno;
	if (!err)
		err = loop_watch(control->loop, &control->source, EPOLLIN);
	if (err)
		error_report(err, "cannot listen for commands; going on without them");
}

void control_count(struct control *control)
{
	uint64_t now = loop_now_ns();

	if (now - control->counted_ns < CONTROL_FRESH_NS)
		return;
	control->counted_ns = now;
	run_count(control->run);
}

void control_close(struct control *control)
{
	fd_close(&control->socket);
	control_sweep(control);
	printed_close(&control->printed);
}
