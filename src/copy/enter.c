// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * enter.c - the request as a message: struct enter_header, then texts, each with its NUL: the
 * variable, "" if there is none, and the program's arguments. Descriptors come with it.
 */
#include "copy/enter.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "copy/attendant.h"

enum { ENTER_REPORT, ENTER_STDIO, ENTER_DOOR = ENTER_STDIO + 3, ENTER_FDS };

static_assert((int)ENTER_FDS <= (int)FDPASS_MAX,
	      "all descriptors of a visit come with one message");

struct enter_header {
	struct winsize terminal;
	bool has_terminal;
	bool has_fd[ENTER_FDS]; /* those that come, in this order */
};

/* ---- In the manager ---- */

static size_t enter_measure(const struct visit *visit)
{
	size_t length = visit->variable ? strlen(visit->variable) + 1 : 1;

	for (char *const *word = visit->argv; *word; word++)
		length += strlen(*word) + 1;
	return length;
}

static void enter_write_texts(const struct visit *visit, char *at)
{
	at = stpcpy(at, visit->variable ? visit->variable : "") + 1;
	for (char *const *word = visit->argv; *word; word++)
		at = stpcpy(at, *word) + 1;
}

static int enter_send(int socket, const struct visit *visit, int report)
{
	const int all[] = {report, visit->stdio[0], visit->stdio[1], visit->stdio[2], visit->door};
	size_t length = sizeof(struct enter_header) + enter_measure(visit);
	struct enter_header header = {.has_terminal = visit->terminal};
	AUTO_FREE char *message = NULL;
	int fds[ENTER_FDS];
	size_t count = 0;

	if (length > sizeof(header) + ENTER_TEXTS_MAX)
		return -E2BIG;
	message = calloc(1, length);
	if (!message)
		return -ENOMEM;
	if (visit->terminal)
		header.terminal = *visit->terminal;
	for (size_t i = 0; i < ENTER_FDS; i++) {
		header.has_fd[i] = all[i] >= 0;
		if (header.has_fd[i])
			fds[count++] = all[i];
	}
	memcpy(message, &header, sizeof(header));
	enter_write_texts(visit, message + sizeof(header));
	return fdpass_send(socket, message, length, fds, count);
}

int enter_ask(int socket, const struct visit *visit)
{
	AUTO_CLOSE int ours = -1, theirs = -1;
	int ends[2];
	int err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	err = enter_send(socket, visit, theirs);
	return err ? err : fd_steal(&ours);
}

void enter_end(int report)
{
	const int signal = SIGKILL;

	fdpass_tell(report, &signal, sizeof(signal));
}

int enter_finish(int *report)
{
	int status;

	if (fdpass_hear(*report, &status, sizeof(status)) < 0)
		status = ENTER_SIGNALLED + SIGKILL;
	fd_close(report);
	return status;
}

/* ---- In the copy's first process ---- */

/* Return: the arguments, up to NULL, to be freed; NULL: -ENOMEM. */
static char **enter_split(char *texts, size_t length)
{
	size_t count = 0;
	char **argv;

	for (size_t i = 0; i < length; i++)
		count += texts[i] == '\0';
	argv = calloc(count + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		argv[i] = texts;
		texts += strlen(texts) + 1;
	}
	return argv;
}

static int enter_fork(const struct enter_host *host, const struct enter_header *header,
		      char **texts, const int fds[ENTER_FDS])
{
	struct execute_spec program = *host->program;
	const struct attendant attendant = {
		.program = &program,
		.mask = host->mask,
		.report = fds[ENTER_REPORT],
		.stdio = {fds[ENTER_STDIO], fds[ENTER_STDIO + 1], fds[ENTER_STDIO + 2]},
		.terminal = header->has_terminal ? &header->terminal : NULL,
		.door = fds[ENTER_DOOR],
	};
	pid_t pid;

	program.variable = *texts[0] ? texts[0] : NULL;
	program.argv = texts + 1;
	pid = fork();
	if (pid == 0)
		_exit(attendant_main(&attendant));
	return pid < 0 ? -errno : 0;
}

/* @message: @length bytes. @fds: those that have come with it, in order */
static void enter_begin(const struct enter_host *host, char *message, size_t length, const int *fds)
{
	struct enter_header header;
	int all[ENTER_FDS];
	AUTO_FREE char **texts = NULL;
	int err;

	memcpy(&header, message, sizeof(header));
	for (size_t i = 0; i < ENTER_FDS; i++)
		all[i] = header.has_fd[i] ? *fds++ : -1;
	texts = enter_split(message + sizeof(header), length - sizeof(header));
	err = texts ? enter_fork(host, &header, texts, all) : -ENOMEM;
	if (err)
		fdpass_tell(all[ENTER_REPORT], &err, sizeof(err));
}

void enter_serve(const struct enter_host *host, int socket)
{
	ssize_t length = recv(socket, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	AUTO_FREE char *message = length > 0 ? malloc((size_t)length) : NULL;
	int fds[FDPASS_MAX];
	size_t count = 0;

	if (length <= 0)
		return;
	if (!message) { /* take it away, with its descriptors: that ends the visit */
		recv(socket, NULL, 0, MSG_DONTWAIT);
		return;
	}
	if (fdpass_take(socket, message, (size_t)length, fds, &count) > 0)
		enter_begin(host, message, (size_t)length, fds);
	while (count > 0)
		close(fds[--count]);
}
