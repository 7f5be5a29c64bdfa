/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - the other end of the control socket: a command asks a run by its name. This waits.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "portmux/options.h"

#include "base/fdpass.h"

struct client {
	const char *name; /* of the run */
	int socket;       /* owned; -1: closed */
	char *pending;    /* what was received, and is no whole line yet; owned */
	size_t length, size;
	int fds[FDPASS_MAX]; /* that have come with it; owned */
	size_t fd_count;
};

/** A client that is not connected. Start with this value: client_close() is then always safe. */
#define CLIENT_NONE ((struct client){.socket = -1})

enum { CLIENT_PATIENCE_S = 5, CLIENT_FOR_EVER = 0 };

/**
 * client_connect() - connect to the run of that name, if we may trust who holds the name
 * Return: 0; or -errno, reported: there is no such run, it does not answer, it is somebody else's.
 */
int client_connect(struct client *client, const char *name);

/**
 * client_send() - send the request
 * @request:    taken over; NULL: there was no memory for it
 * @patience_s: how long to wait for each line of the answer; CLIENT_FOR_EVER
 *
 * Return: 0 or -errno, reported.
 */
int client_send(struct client *client, json_t *request, int patience_s);

/**
 * client_receive() - the next line of the answer
 * @ret: an object, to be given back
 *
 * Return: 1: a line of data; 0: it was the last line, and that went well (@ret is NULL); or -errno,
 * reported: that did not go well, or the run has ended meanwhile.
 */
int client_receive(struct client *client, json_t **ret);

/**
 * client_take_fds() - the @count descriptors that have come with the lines so far
 * @ret_fds: owned by the caller
 *
 * Return: 0; or -EBADMSG, reported: there are not as many.
 */
int client_take_fds(struct client *client, int *ret_fds, size_t count);

/** client_close() - close the connection. Safe to repeat. */
void client_close(struct client *client);

/**
 * client_ask() - all of it: connect, send, call @on_line for each line of data, close
 * @on_line: NULL: there are none
 *
 * Return: 0 or -errno, reported.
 */
int client_ask(const char *name, json_t *request, int patience_s,
	       void (*on_line)(void *data, json_t *line), void *data);

/** The name of a run. */
struct client_name {
	char text[OPTIONS_NAME_MAX + 1];
};

/**
 * client_list() - the names of all runs of this machine, sorted
 * @ret: @ret_count of them, for free(), also after a failure
 *
 * Return: 0 or -errno, reported.
 */
int client_list(struct client_name **ret, size_t *ret_count);
