// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * readiness.c - datagrams of a few lines.
 */
#include "run/readiness.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"

enum {
	READINESS_MESSAGE_MAX = 4096, /* a longer one is not heeded */
	READINESS_AT_ONCE = 16,
	READINESS_PAUSE_MS = 50, /* after so many */
};

static void readiness_on_message(void *data, uint32_t events);
static void readiness_on_pause(void *data);

void readiness_open(struct readiness *readiness)
{
	readiness->source =
		(struct loop_source){.fd = -1, .on_event = readiness_on_message, .data = readiness};
	readiness->pause = (struct loop_timer){.on_time = readiness_on_pause, .data = readiness};
}

int readiness_hear(struct readiness *readiness, int fd)
{
	readiness_close(readiness);
	readiness->source.fd = fd;
	return loop_watch(readiness->loop, &readiness->source, EPOLLIN);
}

void readiness_close(struct readiness *readiness)
{
	if (readiness->source.fd < 0)
		return;
	loop_forget(readiness->loop, &readiness->source);
	loop_clear_timer(readiness->loop, &readiness->pause);
	fd_close(&readiness->source.fd);
}

int readiness_parse(const char *text, size_t length)
{
	static const char READY[] = "READY=1", STOPPING[] = "STOPPING=1";
	int said = -1;

	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t line = end ? (size_t)(end - text) : length;

		if (line == strlen(READY) && memcmp(text, READY, line) == 0)
			said = 1;
		else if (line == strlen(STOPPING) && memcmp(text, STOPPING, line) == 0)
			said = 0;
		line += end != NULL;
		text += line;
		length -= line;
	}
	return said;
}

/* What was said last counts. Descriptors that come with a message are closed by the kernel. */
static void readiness_on_message(void *data, uint32_t events)
{
	struct readiness *readiness = data;
	char text[READINESS_MESSAGE_MAX];
	int last = -1, count = 0;

	(void)events;
	for (; count < READINESS_AT_ONCE; count++) {
		ssize_t n = recv(readiness->source.fd, text, sizeof(text), MSG_TRUNC);
		int said =
			n > 0 && n <= (ssize_t)sizeof(text) ? readiness_parse(text, (size_t)n) : -1;

		if (n < 0 && errno != EINTR)
			break;
		last = said >= 0 ? said : last;
	}
	if (count == READINESS_AT_ONCE) {
		loop_forget(readiness->loop, &readiness->source);
		loop_set_timer(readiness->loop, &readiness->pause, READINESS_PAUSE_MS);
	}
	if (last >= 0)
		readiness->on_said(readiness->data, last == 1);
}

static void readiness_on_pause(void *data)
{
	struct readiness *readiness = data;

	if (loop_watch(readiness->loop, &readiness->source, EPOLLIN) < 0)
		loop_set_timer(readiness->loop, &readiness->pause, READINESS_PAUSE_MS);
}
