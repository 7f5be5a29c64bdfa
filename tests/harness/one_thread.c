// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * one_thread.c - a server that uses one processor, as most programs do: the copies of a shared
 * port.
 *
 * usage: one_thread [WORKERS]
 *
 * It listens on port 8080, or the one in PORT, TCP and UDP, IPv4 and IPv6. Each request and each
 * datagram is answered with a line: the value of COPY. Connections are kept unless the request has
 * "Connection: close". With WORKERS, that many processes share the port by SO_REUSEPORT, and COPY
 * is a worker's number.
 *
 * SIGTERM and SIGINT end it in good order. The sockets that listen are closed; the connections that
 * wait in the backlog are taken first. Then each connection that has been served is closed as soon
 * as nothing of a request is read; one that has not been served yet, after its first answer. The
 * last answer on a connection says "Connection: close". When no connection is left, it exits with
 * 0.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG = 4096, EVENTS = 256, REQUEST_MAX = 4096, COPY_MAX = 64 };

struct connection {
	int fd;
	bool is_served; /* at least once */
	size_t length;
	char request[REQUEST_MAX + 1];
	struct connection *next, *previous;
};

struct server {
	int epoll, tcp, udp, signals;
	bool is_ending;
	struct connection all; /* the head of a ring */
	char copy[COPY_MAX];
};

static void server_watch(const struct server *server, int fd, void *data)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		perror("one_thread: epoll_ctl");
		exit(EXIT_FAILURE);
	}
}

static void connection_open(struct server *server, int fd)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (!connection) {
		close(fd);
		return;
	}
	connection->fd = fd;
	connection->is_served = false;
	connection->length = 0;
	connection->next = server->all.next;
	connection->previous = &server->all;
	connection->next->previous = connection;
	server->all.next = connection;
	server_watch(server, fd, connection);
}

static void connection_close(struct connection *connection)
{
	connection->next->previous = connection->previous;
	connection->previous->next = connection->next;
	close(connection->fd);
	free(connection);
}

/* Return: whether the connection stays. An answer that does not fit into the socket ends it. */
static bool connection_answer(struct server *server, struct connection *connection)
{
	bool is_last =
		server->is_ending || strcasestr(connection->request, "\r\nConnection: close\r\n");
	char answer[256];
	int length =
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n%s\n",
			 strlen(server->copy) + 1, is_last ? "close" : "keep-alive", server->copy);

	connection->is_served = true;
	return send(connection->fd, answer, (size_t)length, MSG_NOSIGNAL) == length && !is_last;
}

/* Return: whether the connection stays. */
static bool connection_answer_all(struct server *server, struct connection *connection)
{
	char *end;

	while ((end = strstr(connection->request, "\r\n\r\n"))) {
		char *next = end + strlen("\r\n\r\n");
		char kept = *next;

		*next = '\0';
		if (!connection_answer(server, connection))
			return false;
		*next = kept;
		connection->length -= (size_t)(next - connection->request);
		memmove(connection->request, next, connection->length + 1);
	}
	return true;
}

/* Return: whether the connection stays. */
static bool connection_serve(struct server *server, struct connection *connection)
{
	ssize_t n = recv(connection->fd, connection->request + connection->length,
			 REQUEST_MAX - connection->length, 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	connection->length += (size_t)n;
	connection->request[connection->length] = '\0';
	return connection_answer_all(server, connection) && connection->length < REQUEST_MAX;
}

static void server_accept(struct server *server)
{
	int fd;

	while ((fd = accept4(server->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		connection_open(server, fd);
}

static void server_answer_datagrams(const struct server *server)
{
	struct sockaddr_in6 peer;
	socklen_t length = sizeof(peer);
	char answer[COPY_MAX + 1], data[REQUEST_MAX];
	int size = snprintf(answer, sizeof(answer), "%s\n", server->copy);

	while (recvfrom(server->udp, data, sizeof(data), 0, (struct sockaddr *)&peer, &length) >= 0)
		sendto(server->udp, answer, (size_t)size, 0, (const struct sockaddr *)&peer,
		       length);
}

static void server_begin_to_end(struct server *server)
{
	struct signalfd_siginfo info;

	if (read(server->signals, &info, sizeof(info)) < 0 || server->is_ending)
		return;
	server_accept(server);
	close(server->tcp);
	close(server->udp);
	server->is_ending = true;
	for (struct connection *one = server->all.next, *next; one != &server->all; one = next) {
		next = one->next;
		if (!connection_serve(server, one) || (one->is_served && one->length == 0))
			connection_close(one);
	}
}

/* The end begins after all events of a turn: it closes connections, whose events may be among them.
 */
static void server_serve(struct server *server)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(server->epoll, events, EVENTS, -1);
	bool is_told = false;

	for (int i = 0; i < count; i++) {
		void *what = events[i].data.ptr;

		if (what == &server->signals)
			is_told = true;
		else if (what == &server->tcp)
			server_accept(server);
		else if (what == &server->udp)
			server_answer_datagrams(server);
		else if (!connection_serve(server, what))
			connection_close(what);
	}
	if (is_told)
		server_begin_to_end(server);
}

static int server_listen(int type, bool is_port_shared)
{
	const char *port = getenv("PORT");
	const struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port ? (uint16_t)strtoul(port, NULL, 10) : 8080)};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    (type == SOCK_STREAM &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
	    (is_port_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
		fprintf(stderr, "one_thread: port %u: %s\n", ntohs(address.sin6_port),
			strerror(errno));
		exit(EXIT_FAILURE);
	}
	return fd;
}

static int serve(const char *copy, bool is_port_shared)
{
	struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
	sigset_t ending;

	server.all.next = server.all.previous = &server.all;
	snprintf(server.copy, sizeof(server.copy), "%s", copy);
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	server.signals = signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
	server.udp = server_listen(SOCK_DGRAM, is_port_shared);
	server.tcp = server_listen(SOCK_STREAM, is_port_shared);
	server_watch(&server, server.signals, &server.signals);
	server_watch(&server, server.udp, &server.udp);
	server_watch(&server, server.tcp, &server.tcp);
	while (!server.is_ending || server.all.next != &server.all)
		server_serve(&server);
	return EXIT_SUCCESS;
}

/* Workers end with the process that has started them, which waits for SIGTERM by its default
 * action. */
static void start_worker(int number)
{
	char copy[COPY_MAX];

	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(copy, sizeof(copy), "%d", number);
	exit(serve(copy, true));
}

int main(int argc, char **argv)
{
	int workers = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
	const char *copy = getenv("COPY");

	if (workers == 0)
		return serve(copy ? copy : "0", false);
	for (int i = 1; i <= workers; i++)
		start_worker(i);
	while (wait(NULL) > 0)
		;
	return EXIT_SUCCESS;
}
