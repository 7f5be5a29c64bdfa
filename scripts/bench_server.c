// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_server.c - stands in for http_recorder.py where a way to it is measured: it costs little.
 *
 * It listens on port 8080, with a thread for each connection. A request for /bytes is answered with
 * bytes until the client has gone, any other one at once, and the connection stays. Requests must
 * come one at a time, each in one piece.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhere\n";

static void send_for_ever(int connection)
{
	static const char data[1 << 17];

	while (send(connection, data, sizeof(data), 0) > 0)
		;
}

static void *serve(void *data)
{
	int connection = *(int *)data;
	char request[4096];
	int on = 1;

	free(data);
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (recv(connection, request, sizeof(request), 0) > 0) {
		if (strncmp(request, "GET /bytes ", strlen("GET /bytes ")) == 0)
			send_for_ever(connection);
		else if (send(connection, ANSWER, sizeof(ANSWER) - 1, 0) < 0)
			break;
	}
	close(connection);
	return NULL;
}

int main(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	signal(SIGPIPE, SIG_IGN);
	if (listening < 0 || setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(listening, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listening, 4096) < 0) {
		perror("bench_server");
		return 1;
	}
	for (;;) {
		int *connection = malloc(sizeof(*connection));
		pthread_t thread;

		if (!connection)
			return 1;
		*connection = accept(listening, NULL, NULL);
		if (*connection < 0 || pthread_create(&thread, NULL, serve, connection) != 0)
			return 1;
		pthread_detach(thread);
	}
}
