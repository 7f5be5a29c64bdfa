// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * request.c - the life of a request: its line is read, its function called, its answer written.
 *
 * Nothing here trusts the client. A line has a limit and a deadline, and an answer has a limit.
 * When a request ends, it is only marked: it may be in the middle of one of its own functions.
 * control.c frees it after the turn of the loop.
 */
#include "portmux/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "portmux/requests.h"

enum {
	REQUEST_DEADLINE_MS = 5000,  /* for the whole line, however slowly it comes */
	REQUEST_LAST_MS = 30000,     /* to take the rest of the answer */
	REQUEST_ROOM = 32 << 10,     /* bytes that may wait before no more is asked for */
	REQUEST_READ_MAX = 16 << 10, /* from one client in one turn of the loop */
	REQUEST_TEXT_MAX = 512,      /* of an error */
};

/* ---- The answer ---- */

void request_answer(struct request *request, json_t *object)
{
	AUTO_FREE char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));

	json_decref(object);
	if (request->is_answered || request->has_ended)
		return;
	if (!line || !stream_add(&request->output, line, strlen(line)) ||
	    !stream_add(&request->output, "\n", 1))
		request_end(request);
}

static void request_answer_last(struct request *request, json_t *object)
{
	request_answer(request, object);
	request->is_answered = true;
	if (!request->has_ended)
		loop_set_timer(request->loop, &request->deadline, REQUEST_LAST_MS);
}

void request_done(struct request *request)
{
	request_answer_last(request, json_pack("{s:b}", "ok", 1));
}

void request_fail(struct request *request, const char *fmt, ...)
{
	char text[REQUEST_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	request_answer_last(request, json_pack("{s:s}", "error", text));
}

bool request_has_room(const struct request *request)
{
	return !request->is_answered && !request->has_ended &&
	       request->output.length < REQUEST_ROOM;
}

/* ---- The arguments ---- */

json_t *request_parse(const char *line, size_t length, const char **ret_why)
{
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_string(json_object_get(object, "command")))
		return object;
	*ret_why = "this object has no command";
	if (!json_is_object(object))
		*ret_why = "this is no JSON object";
	json_decref(object);
	return NULL;
}

int request_number(struct request *request, const char *name, unsigned int *ret)
{
	const json_t *value = json_object_get(request->arguments, name);
	json_int_t number = json_integer_value(value);

	if (!value)
		return 0;
	if (json_is_integer(value) && number >= 0 && number <= INT32_MAX) {
		*ret = (unsigned int)number;
		return 0;
	}
	request_fail(request, "%s: is no number, or one that is too large", name);
	return -EINVAL;
}

int request_copy(struct request *request, unsigned int *ret_number)
{
	struct run_copy copy;
	unsigned int number = 0;
	int err = request_number(request, "copy", &number);

	if (err)
		return err;
	*ret_number = number;
	if (!json_object_get(request->arguments, "copy") ||
	    run_find_copy(request->run, number, &copy))
		return 0;
	request_fail(request, "there is no copy %u", number);
	return -ENOENT;
}

/* ---- Its life ---- */

/* If there was anything that we have not read, the client would lose the end of the answer. */
static void request_hang_up(int *socket)
{
	char unread[REQUEST_READ_MAX];

	for (int i = 0; i < REQUEST_LINE_MAX / REQUEST_READ_MAX; i++)
		if (recv(*socket, unread, sizeof(unread), MSG_DONTWAIT) <= 0)
			break;
	fd_close(socket);
}

void request_refuse(int socket, const char *why)
{
	char line[REQUEST_TEXT_MAX];
	int n = snprintf(line, sizeof(line), "{\"error\":\"%s\"}\n", why);

	send(socket, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	request_hang_up(&socket);
}

static void request_begin(struct request *request, size_t length)
{
	const char *command, *why = NULL;
	void (*begin)(struct request * request);

	request->has_begun = true;
	loop_clear_timer(request->loop, &request->deadline);
	request->arguments = request_parse(request->line, length, &why);
	free(request->line);
	request->line = NULL;
	if (!request->arguments) {
		request_fail(request, "%s", why);
		return;
	}
	command = json_string_value(json_object_get(request->arguments, "command"));
	begin = requests_find(command);
	if (begin)
		begin(request);
	else
		request_fail(request, "%.64s: there is no such command", command);
}

/* Return: false: there is no memory. */
static bool request_grow(struct request *request)
{
	size_t size = request->size ? 2 * request->size : 1024;
	char *grown = realloc(request->line, size);

	if (!grown)
		return false;
	request->line = grown;
	request->size = size;
	return true;
}

/* Return: false: there is nothing more to read now. */
static bool request_read(struct request *request)
{
	const char *newline;
	ssize_t n;

	if (request->length == request->size && !request_grow(request)) {
		request_end(request);
		return false;
	}
	n = recv(request->source.fd, request->line + request->length,
		 request->size - request->length, 0);
	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		request_end(request);
		return false;
	}
	newline = memchr(request->line + request->length, '\n', (size_t)n);
	request->length += (size_t)n;
	if (newline)
		request_begin(request, (size_t)(newline - request->line));
	else if (request->length >= REQUEST_LINE_MAX)
		request_fail(request, "a request has at most %d bytes", REQUEST_LINE_MAX);
	return !newline && request->length < REQUEST_LINE_MAX;
}

static void request_on_event(void *data, uint32_t events)
{
	struct request *request = data;
	size_t before = request->length;

	if (!request->has_begun && (events & EPOLLIN))
		while (request_read(request) && request->length - before < REQUEST_READ_MAX)
			;
	else if (events & (EPOLLHUP | EPOLLERR))
		request_end(request);
}

static void request_on_late(void *data)
{
	struct request *request = data;

	if (request->is_answered)
		request_end(request);
	else
		request_fail(request, "no request came in %d s", REQUEST_DEADLINE_MS / 1000);
}

struct request *request_new(struct control *control, struct run *run, int socket)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request) {
		close(socket);
		return NULL;
	}
	request->control = control;
	request->run = run;
	request->loop = run_loop(run);
	request->since_ns = loop_now_ns();
	request->source =
		(struct loop_source){.fd = socket, .on_event = request_on_event, .data = request};
	request->deadline = (struct loop_timer){.on_time = request_on_late, .data = request};
	stream_open(&request->output, socket, REQUEST_PENDING_MAX);
	loop_set_timer(request->loop, &request->deadline, REQUEST_DEADLINE_MS);
	request->watched = EPOLLIN;
	if (loop_watch(request->loop, &request->source, EPOLLIN) < 0)
		request_end(request);
	return request;
}

/* A client that has sent its request may close its end for writing: only EPOLLHUP tells its end. */
static void request_watch(struct request *request, bool has_output)
{
	uint32_t events = has_output ? EPOLLOUT : 0;

	if (!request->has_begun && !request->is_answered)
		events |= EPOLLIN;
	if (events == request->watched)
		return;
	request->watched = events;
	if (loop_watch(request->loop, &request->source, events) < 0)
		request_end(request);
}

/*
 * If there was something to write, there is one more turn of the loop (EPOLLOUT), in which more can
 * be asked for.
 */
void request_settle(struct request *request)
{
	bool has_output;

	if (request->on_settled && !request->is_answered && !request->has_ended)
		request->on_settled(request);
	if (request->on_room && request_has_room(request) && stream_is_clear(&request->output))
		request->on_room(request);
	if (request->has_ended)
		return;
	has_output = request->output.length > 0;
	if (stream_flush(&request->output) < 0 ||
	    (request->is_answered && stream_is_clear(&request->output)))
		request_end(request);
	else
		request_watch(request, has_output);
}

/* What the copies have printed at the very end, for example, as far as the client takes it now. */
static void request_drain(struct request *request)
{
	bool has_more = request->on_room;

	while (has_more && request_has_room(request) && stream_is_clear(&request->output)) {
		request->on_room(request);
		has_more = request->output.length > 0;
		stream_flush(&request->output);
	}
}

void request_over(struct request *request)
{
	request_drain(request);
	if (!request->is_answered && request->awaits_end)
		request_done(request);
	else if (!request->is_answered)
		request_fail(request, "the run has ended");
	request_end(request);
}

void request_end(struct request *request)
{
	if (request->has_ended)
		return;
	request->has_ended = true;
	loop_forget(request->loop, &request->source);
	loop_clear_timer(request->loop, &request->deadline);
	if (request->on_end)
		request->on_end(request);
}

void request_free(struct request *request)
{
	stream_flush(&request->output);
	stream_close(&request->output);
	request_hang_up(&request->source.fd);
	json_decref(request->arguments);
	free(request->line);
	free(request);
}
