// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_server.c - stands in for http_recorder.py where a way to it is measured: it costs little.
 *
 * It listens on port 8080, with threads for 16 connections at a time from the first one on. A
 * request for /bytes is answered with bytes until the client has gone, any other one at once, and
 * the connection stays; but not after /once: whoever closes first waits a minute for the port, and
 * a client has not so many. Requests must come one at a time, each in one piece.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 16 };

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhere\n";

static void send_for_ever(int connection)
{
	static const char data[1 << 17];

	while (send(connection, data, sizeof(data), 0) > 0)
		;
}

static void serve(int connection)
{
	char request[4096];
	int on = 1;

	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (recv(connection, request, sizeof(request), 0) > 0) {
		if (strncmp(request, "GET /bytes ", strlen("GET /bytes ")) == 0)
			send_for_ever(connection);
		else if (send(connection, ANSWER, sizeof(ANSWER) - 1, 0) < 0)
			break;
		if (strncmp(request, "GET /once ", strlen("GET /once ")) == 0)
			break;
	}
	close(connection);
}

static void *serve_for_ever(void *data)
{
	int connection;

	while ((connection = accept(*(int *)data, NULL, NULL)) >= 0)
		serve(connection);
	return NULL;
}

int main(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1, first;

	signal(SIGPIPE, SIG_IGN);
	if (listening < 0 || setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(listening, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listening, 4096) < 0) {
		perror("bench_server");
		return 1;
	}
	first = accept(listening, NULL, NULL);
	for (int i = 1; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve_for_ever, &listening) != 0)
			return 1;
	}
	serve(first);
	serve_for_ever(&listening);
}
