// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * relay.c - read(2) into a stream.
 */
#include "portmux/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	RELAY_CHUNK = 16 << 10,
	RELAY_PENDING_MAX = 64 << 10,
	RELAY_LEFT_MAX = 1 << 20, /* a pipe holds no more, if nobody has made it larger */
};

void relay_to_ours(struct relay *relay, int from, int to)
{
	*relay = (struct relay){.from = from, .left = SIZE_MAX};
	stream_open(&relay->to, to, RELAY_PENDING_MAX);
}

/* Not by stream_open(): to open a terminal's master once more makes another terminal. */
void relay_from_ours(struct relay *relay, int from, int to)
{
	*relay = (struct relay){
		.from = fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1),
		.left = SIZE_MAX,
		.to = {.fd = to, .is_owned = true, .limit = RELAY_PENDING_MAX},
	};
}

void relay_ask(const struct relay *relay, struct pollfd events[2])
{
	bool has_room = relay->to.length + RELAY_CHUNK <= RELAY_PENDING_MAX;

	events[0] = (struct pollfd){.fd = has_room ? relay->from : -1, .events = POLLIN};
	events[1] = (struct pollfd){.fd = relay->has_ended ? -1 : relay->to.fd,
				    .events = relay->to.length ? POLLOUT : 0};
}

static void relay_read(struct relay *relay)
{
	char chunk[RELAY_CHUNK];
	ssize_t n = read(relay->from, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		stream_add(&relay->to, chunk, (size_t)n);
		relay->left -= (size_t)n;
	}
	if (n <= 0 || relay->left < sizeof(chunk)) /* EIO: a terminal's other end is closed */
		fd_close(&relay->from);
}

void relay_move(struct relay *relay, const struct pollfd events[2])
{
	if (events[0].revents)
		relay_read(relay);
	stream_flush(&relay->to);
	if ((relay->from < 0 && stream_is_clear(&relay->to)) || relay->to.err ||
	    events[1].revents & (POLLERR | POLLHUP))
		relay_close(relay);
}

void relay_finish(struct relay *relay)
{
	relay->left = RELAY_LEFT_MAX;
}

void relay_close(struct relay *relay)
{
	fd_close(&relay->from);
	stream_close(&relay->to);
	relay->has_ended = true;
}
