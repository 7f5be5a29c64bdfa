// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * client.c - a socket that blocks, with deadlines, and lines of JSON.
 *
 * Everybody may take any name in the abstract namespace. So we ask nobody but a process of root's
 * or of our own user.
 */
#include "portmux/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "portmux/control.h"
#include "portmux/options.h"

/* ---- Which runs there are ---- */

static int client_compare(const void *a, const void *b)
{
	return strcmp(((const struct client_name *)a)->text, ((const struct client_name *)b)->text);
}

/* The name in a line of /proc/net/unix, whose last field is the path. Return: NULL: none. */
static const char *client_name_in(char *line)
{
	static const char PREFIX[] = " @" CONTROL_PREFIX;
	char *path = strstr(line, PREFIX);

	line[strcspn(line, "\n")] = '\0';
	if (!path || !options_is_name(path + strlen(PREFIX)))
		return NULL;
	return path + strlen(PREFIX);
}

/* Connections have the path, too: a name may be there more than once. Return: how many are left. */
static size_t client_unite(struct client_name *names, size_t count)
{
	size_t united = 0;

	if (count == 0)
		return 0;
	qsort(names, count, sizeof(*names), client_compare);
	for (size_t i = 0; i < count; i++)
		if (united == 0 || client_compare(&names[i], &names[united - 1]) != 0)
			names[united++] = names[i];
	return united;
}

/* Calls @each for every name, some twice. Return: 0 or -errno, also that of @each, reported. */
static int client_each(int (*each)(void *data, const char *name), void *data)
{
	FILE *file = fopen("/proc/net/unix", "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!file)
		return error_report(-errno, "cannot list the runs");
	while (!err && getline(&line, &size, file) > 0) {
		const char *name = client_name_in(line);

		err = name ? each(data, name) : 0;
	}
	fclose(file);
	return err ? error_report(err, "cannot list the runs") : 0;
}

struct client_names {
	struct client_name *names;
	size_t count;
};

static int client_add(void *data, const char *name)
{
	struct client_names *list = data;
	struct client_name *grown = reallocarray(list->names, list->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->names = grown;
	grown += list->count++;
	snprintf(grown->text, sizeof(grown->text), "%s", name);
	return 0;
}

int client_list(struct client_name **ret, size_t *ret_count)
{
	struct client_names list = {0};
	int err = client_each(client_add, &list);

	*ret_count = client_unite(list.names, list.count);
	*ret = list.names;
	return err;
}

struct client_search {
	const char *name;
	bool is_found;
};

static int client_look_for(void *data, const char *name)
{
	struct client_search *search = data;

	search->is_found = search->is_found || strcmp(name, search->name) == 0;
	return 0;
}

static bool client_is_there(const char *name)
{
	struct client_search search = {.name = name};

	client_each(client_look_for, &search);
	return search.is_found;
}

/* ---- To connect ---- */

static int client_report_refused(const char *name, int err)
{
	if (err == -EAGAIN)
		return error_say(err, "run %s: does not answer; is its manager stopped?", name);
	if (err != -ECONNREFUSED)
		return error_report(err, "run %s", name);
	if (client_is_there(name))
		return error_say(err, "run %s: takes no commands; does it just start or end?",
				 name);
	return error_say(err, "there is no run named %s", name);
}

/* Return: 0; or -EPERM, reported. */
static int client_check_owner(const struct client *client)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(client->socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return error_report(-errno, "run %s", client->name);
	if (peer.uid == 0 || peer.uid == getuid())
		return 0;
	return error_say(-EPERM, "run %s: belongs to the user with the id %u, who alone may ask it",
			 client->name, peer.uid);
}

int client_connect(struct client *client, const char *name)
{
	const struct timeval patience = {.tv_sec = CLIENT_PATIENCE_S};
	struct sockaddr_un address;
	socklen_t length = 0;

	*client = CLIENT_NONE;
	client->name = name;
	if (!options_is_name(name))
		return error_say(-EINVAL, "%s: is no name of a run", name);
	length = control_address(name, &address);
	client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->socket < 0)
		return error_report(-errno, "run %s", name);
	setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(client->socket, (const struct sockaddr *)&address, length) < 0)
		return client_report_refused(name, -errno);
	return client_check_owner(client);
}

static void client_drop_fds(struct client *client)
{
	while (client->fd_count > 0)
		close(client->fds[--client->fd_count]);
}

void client_close(struct client *client)
{
	fd_close(&client->socket);
	client_drop_fds(client);
	free(client->pending);
	*client = CLIENT_NONE;
}

/* ---- To ask ---- */

/* @err: from the socket */
static int client_report_lost(const struct client *client, int err)
{
	if (err == -EAGAIN)
		return error_say(-ETIMEDOUT, "run %s: does not answer; is its manager stopped?",
				 client->name);
	if (err == -EPIPE || err == -ECONNRESET)
		return error_say(err, "run %s: has just ended", client->name);
	return error_report(err, "run %s", client->name);
}

int client_send(struct client *client, json_t *request, int patience_s)
{
	const struct timeval patience = {.tv_sec = patience_s};
	AUTO_FREE char *text = json_dumps(request, JSON_COMPACT);
	size_t length = text ? strlen(text) : 0;

	json_decref(request);
	if (!text)
		return error_report(-ENOMEM, "run %s: cannot ask", client->name);
	setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	text[length++] = '\n'; /* in place of the NUL */
	for (size_t sent = 0; sent < length;) {
		ssize_t n = send(client->socket, text + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0; /* refused before it was asked: the answer says why */
		if (n < 0 && errno != EINTR)
			return client_report_lost(client, -errno);
		sent += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int client_take_fds(struct client *client, int *ret_fds, size_t count)
{
	if (client->fd_count != count)
		return error_say(-EBADMSG, "run %s: does not speak our language", client->name);
	memcpy(ret_fds, client->fds, count * sizeof(*ret_fds));
	client->fd_count = 0;
	return 0;
}

/* Receives some bytes more. Return: 0 or -errno, reported. */
static int client_fill(struct client *client)
{
	ssize_t n;

	if (client->length == client->size) {
		size_t size = client->size ? 2 * client->size : 4096;
		char *grown = realloc(client->pending, size);

		if (!grown)
			return error_report(-ENOMEM, "run %s", client->name);
		client->pending = grown;
		client->size = size;
	}
	client_drop_fds(client); /* somebody sends more than we have asked for */
	n = fdpass_take(client->socket, client->pending + client->length,
			client->size - client->length, client->fds, &client->fd_count);
	if (n <= 0)
		return client_report_lost(client, n < 0 ? (int)n : -EPIPE);
	client->length += (size_t)n;
	return 0;
}

/* Return: as client_receive(). */
static int client_read(const struct client *client, json_t *object, json_t **ret)
{
	const json_t *error = json_object_get(object, "error");
	bool is_done = json_is_true(json_object_get(object, "ok"));
	int err = 0;

	*ret = NULL;
	if (json_is_object(object) && !error && !is_done) {
		*ret = object;
		return 1;
	}
	if (!json_is_object(object))
		err = error_say(-EBADMSG, "run %s: does not speak our language", client->name);
	else if (error)
		err = error_say(-EREMOTEIO, "run %s: %s", client->name,
				json_is_string(error) ? json_string_value(error) : "error");
	json_decref(object);
	return err;
}

int client_receive(struct client *client, json_t **ret)
{
	size_t seen = 0, used;
	char *newline;
	json_t *object;

	while (!(newline = client->length > seen
				   ? memchr(client->pending + seen, '\n', client->length - seen)
				   : NULL)) {
		int err;

		seen = client->length;
		err = client_fill(client);
		if (err)
			return err;
	}
	used = (size_t)(newline - client->pending);
	object = json_loadb(client->pending, used, JSON_ALLOW_NUL, NULL);
	client->length -= used + 1;
	memmove(client->pending, newline + 1, client->length);
	return client_read(client, object, ret);
}

int client_ask(const char *name, json_t *request, int patience_s,
	       void (*on_line)(void *data, json_t *line), void *data)
{
	struct client client;
	json_t *line;
	int err = client_connect(&client, name);

	if (err)
		json_decref(request);
	else
		err = client_send(&client, request, patience_s);
	while (!err && (err = client_receive(&client, &line)) > 0) {
		if (on_line)
			on_line(data, line);
		json_decref(line);
		err = 0;
	}
	client_close(&client);
	return err;
}
