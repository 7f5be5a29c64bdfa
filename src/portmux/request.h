/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request.h - what a client wants of the run: one connection to the control socket, one request.
 *
 * The client sends one line, a JSON object: {"command":"ps", ...}. The answer is any number of
 * lines of data, each an object, and then exactly one last line: {"ok":true} or {"error":"text"}.
 * Then the connection is closed.
 *
 * A request of one name is a function (requests.c), which is called when the line is there. It
 * answers at once; or it sets some of the functions below, returns, and goes on when they are
 * called. It never waits. The request lives until on_end() has returned.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/loop.h"
#include "base/stream.h"
#include "run/run.h"

struct control;

enum {
	REQUEST_LINE_MAX = 64 << 10,    /* bytes of a request, with its newline */
	REQUEST_PENDING_MAX = 256 << 10 /* bytes of an answer that the client has not taken yet */
};

struct request {
	struct control *control;
	struct run *run;
	json_t *arguments; /* the object that the client has sent */

	/* ---- For the function of the request: zeros when it is called ---- */

	void *data; /* its own */
	/*
	 * The client has taken all of the answer so far. Called after each turn of the loop in
	 * which this is so: see request_has_room().
	 */
	void (*on_room)(struct request *request);
	/* As those of run_observer. */
	void (*on_change)(struct request *request, unsigned int number, enum life_state state);
	void (*on_exit)(struct request *request, const struct run_copy *copy);
	void (*on_settled)(struct request *request);
	/*
	 * It is over, for whatever reason: it was answered, the client has gone, or the run is
	 * over. Free @data; nothing can be answered any more.
	 */
	void (*on_end)(struct request *request);
	bool awaits_end; /* if the run is over before the answer, that is a success */

	/* ---- For control.c and request.c ---- */

	struct request *next;
	struct loop *loop;
	struct loop_source source; /* the socket; owned */
	uint32_t watched;          /* for which events */
	struct loop_timer deadline;
	uint64_t since_ns; /* when it was accepted */
	char *line;        /* what there is of the request; owned; NULL: it was read, or nothing */
	size_t length, size;
	struct stream output;
	bool has_begun;   /* the request was read */
	bool is_answered; /* the last line was added */
	bool has_ended;   /* on_end() was called: to be freed */
};

/* ---- For the function of a request ---- */

/**
 * request_answer() - a line of data
 * @object: taken over; NULL: there was no memory for it
 *
 * If too much waits for the client already, the request ends.
 */
void request_answer(struct request *request, json_t *object);

/** request_done() - the last line: that went well. */
void request_done(struct request *request);

/** request_fail() - the last line: that did not go well, and why. */
void request_fail(struct request *request, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * request_has_room() - may more be answered now?
 *
 * An answer that may be long is given piece by piece: in on_room(), while this is true.
 */
bool request_has_room(const struct request *request);

/**
 * request_number() - an argument that is a number from 0 on, or is not there
 * @ret: untouched if it is not there
 *
 * Return: 0; or -EINVAL: it is something else, and the request has failed.
 */
int request_number(struct request *request, const char *name, unsigned int *ret);

/**
 * request_copy() - the argument "copy": the number of a copy that is there
 * @ret_number: 0: there is no such argument
 *
 * Return: 0; or -errno: it is something else, and the request has failed.
 */
int request_copy(struct request *request, unsigned int *ret_number);

/* ---- For control.c ---- */

/** request_refuse() - a client has come that gets nothing but this line. @socket: is closed. */
void request_refuse(int socket, const char *why);

/** request_new() - a client has come. @socket: non-blocking, taken over. Return: NULL: -ENOMEM. */
struct request *request_new(struct control *control, struct run *run, int socket);

/** request_settle() - after each turn of the loop: write what there is, ask for more. */
void request_settle(struct request *request);

/** request_over() - the run is over: end it; request_free() sends the last line. */
void request_over(struct request *request);

/** request_end() - end it without an answer, or with a part of one. Safe to repeat. */
void request_end(struct request *request);

/** request_free() - send what its client takes at once, and free it; after request_end(). */
void request_free(struct request *request);

/**
 * request_parse() - read the line of a request. Pure.
 * @line:    without its newline
 * @ret_why: what is wrong with it
 *
 * Return: an object with a "command", which is a string; or NULL.
 */
json_t *request_parse(const char *line, size_t length, const char **ret_why);
