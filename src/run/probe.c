// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe.c - a connection, a request, and the first line of its answer.
 *
 * Once the status is known, the rest of a short answer is read, too: if we closed the connection
 * before, the kernel would reset it, and many servers complain of that in their logs, or even end.
 */
#include "run/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	PROBE_WHY_MAX = 96,
	PROBE_REQUEST_MAX = 1536, /* the path has at most 1024 characters */
	PROBE_PIECE = 16384,
	PROBE_REST_MAX = 65536, /* bytes of an answer that are read */
	PROBE_LEAVE_MS = 1000,  /* and for how long */
};

static void probe_on_event(void *data, uint32_t events);
static void probe_on_deadline(void *data);

void probe_open(struct probe *probe)
{
	probe->source = (struct loop_source){.fd = -1, .on_event = probe_on_event, .data = probe};
	probe->deadline = (struct loop_timer){.on_time = probe_on_deadline, .data = probe};
}

static void probe_disconnect(struct probe *probe)
{
	if (probe->phase == PROBE_IDLE)
		return;
	loop_forget(probe->loop, &probe->source);
	fd_close(&probe->source.fd);
}

void probe_close(struct probe *probe)
{
	if (probe->phase == PROBE_IDLE)
		return;
	probe_disconnect(probe);
	loop_clear_timer(probe->loop, &probe->deadline);
	probe->phase = PROBE_IDLE;
}

/*
 * The server has closed the connection. Reset it: otherwise the host's conntrack table would hold
 * each of the checks for two minutes.
 */
static void probe_finish(struct probe *probe)
{
	const struct linger at_once = {.l_onoff = 1};

	setsockopt(probe->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	probe_close(probe);
}

static void probe_end(struct probe *probe, const char *why)
{
	probe_close(probe);
	probe->on_result(probe->data, why);
}

/* ---- The connection ---- */

static int probe_connect_to(int fd, const struct address *address, uint16_t port)
{
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int n;

	memcpy(&ipv6.sin6_addr, address->bytes, sizeof(ipv6.sin6_addr));
	memcpy(&ipv4.sin_addr, address->bytes, sizeof(ipv4.sin_addr));
	if (address->family == AF_INET6)
		n = connect(fd, (const struct sockaddr *)&ipv6, sizeof(ipv6));
	else
		n = connect(fd, (const struct sockaddr *)&ipv4, sizeof(ipv4));
	return n < 0 && errno != EINPROGRESS ? -errno : 0;
}

/* Return: 0; or -errno: of ours, or a refusal. The socket becomes writable when it is connected. */
static int probe_connect(struct probe *probe, const struct address *address)
{
	AUTO_CLOSE int fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = probe_connect_to(fd, address, probe->target.port);
	if (err)
		return err;
	probe->source.fd = fd;
	err = loop_watch(probe->loop, &probe->source, EPOLLOUT);
	if (err) {
		probe->source.fd = -1;
		return err;
	}
	fd_steal(&fd);
	probe->phase = PROBE_CONNECTING;
	return 0;
}

int probe_begin(struct probe *probe, const struct probe_target *target)
{
	int err;

	probe_close(probe);
	probe->target = *target;
	probe->status_length = 0;
	probe->left = PROBE_REST_MAX;
	err = probe_connect(probe, &target->address);
	if (!err)
		loop_set_timer(probe->loop, &probe->deadline, target->timeout_ms);
	return err;
}

/* It has refused the connection. Return: true if it is asked at its other address. */
static bool probe_goes_on(struct probe *probe, int err)
{
	struct address other = probe->target.address6;

	if (err != ECONNREFUSED || other.family == AF_UNSPEC)
		return false;
	probe->target.address6.family = AF_UNSPEC;
	probe_disconnect(probe);
	return probe_connect(probe, &other) == 0;
}

/* ---- The request ---- */

/* The name is that which a program takes for its own most often. */
static bool probe_ask(struct probe *probe)
{
	char request[PROBE_REQUEST_MAX];
	int length = snprintf(request, sizeof(request),
			      "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUser-Agent: portmux\r\n"
			      "Accept: */*\r\nConnection: close\r\n\r\n",
			      probe->target.path, probe->target.port);

	return length < (int)sizeof(request) &&
	       send(probe->source.fd, request, (size_t)length, MSG_NOSIGNAL) == length;
}

static void probe_on_connected(struct probe *probe)
{
	socklen_t size = sizeof(int);
	int err = 0;

	if (getsockopt(probe->source.fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (err && probe_goes_on(probe, err))
		return;
	if (err || !probe->target.path) {
		probe_end(probe, err ? strerror(err) : NULL);
		return;
	}
	probe->phase = PROBE_READING;
	if (!probe_ask(probe) || loop_watch(probe->loop, &probe->source, EPOLLIN) < 0)
		probe_end(probe, "the request cannot be sent");
}

/* ---- The answer ---- */

/* @text: "HTTP/1.1 200 ". Return: 200; -1: that is something else. */
static int probe_parse_status(const char *text)
{
	static const char VERSION[] = "HTTP/1.";
	const char *digits = text + strlen("HTTP/1.1 ");
	char end = digits[3];
	int status = 0;

	if (strncmp(text, VERSION, strlen(VERSION)) != 0 || digits[-1] != ' ' ||
	    (end != ' ' && end != '\r' && end != '\n'))
		return -1;
	for (size_t i = 0; i < 3; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		status = 10 * status + digits[i] - '0';
	}
	return status;
}

/* The server may send what it has yet to send; it is not waited for. */
static void probe_judge(struct probe *probe)
{
	int status = probe_parse_status(probe->status);
	char why[PROBE_WHY_MAX];

	probe->phase = PROBE_LEAVING;
	loop_set_timer(probe->loop, &probe->deadline, PROBE_LEAVE_MS);
	if (status < 0)
		snprintf(why, sizeof(why), "its answer is not HTTP");
	else
		snprintf(why, sizeof(why), "HTTP status %d", status);
	probe->on_result(probe->data, status >= 200 && status < 400 ? NULL : why);
}

static void probe_read_status(struct probe *probe)
{
	ssize_t n = recv(probe->source.fd, probe->status + probe->status_length,
			 sizeof(probe->status) - probe->status_length, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		probe_end(probe, n < 0 ? strerror(errno) : "it closed the connection unanswered");
		return;
	}
	probe->status_length += (size_t)n;
	if (probe->status_length == sizeof(probe->status))
		probe_judge(probe);
}

static void probe_read_rest(struct probe *probe)
{
	char piece[PROBE_PIECE];
	ssize_t n = recv(probe->source.fd, piece, sizeof(piece), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0)
		probe_finish(probe);
	else if (n < 0 || (size_t)n >= probe->left)
		probe_close(probe);
	else
		probe->left -= (size_t)n;
}

/* ---- Events ---- */

static void probe_on_event(void *data, uint32_t events)
{
	struct probe *probe = data;

	(void)events;
	if (probe->phase == PROBE_CONNECTING)
		probe_on_connected(probe);
	else if (probe->phase == PROBE_READING)
		probe_read_status(probe);
	else
		probe_read_rest(probe);
}

static void probe_on_deadline(void *data)
{
	struct probe *probe = data;
	char why[PROBE_WHY_MAX];

	if (probe->phase == PROBE_LEAVING) {
		probe_close(probe);
		return;
	}
	snprintf(why, sizeof(why), "no answer within %g s", probe->target.timeout_ms / 1000.0);
	probe_end(probe, why);
}
