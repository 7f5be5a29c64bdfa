// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listener.c - stands in for http_recorder.py where a test starts the program thousands of times.
 *
 * It listens on port 8080 as soon as it is executed, which Python does 100 ms later. It prints each
 * request's first line and answers it; SIGTERM ends it by the default action. It listens on IPv4,
 * compiled with -DIPV6 on both. Two paths are special:
 *	/endless    answers with bytes for ever (or until the client is gone)
 *	anything    a short text
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char ANSWER[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhere\n";
static const char ENDLESS[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n";

static void write_for_ever(int connection)
{
	static char data[65536];

	memset(data, '.', sizeof(data));
	while (write(connection, data, sizeof(data)) > 0)
		;
}

static void serve(int connection)
{
	char request[4096];
	ssize_t n = read(connection, request, sizeof(request) - 1);

	if (n <= 0)
		return;
	request[n] = '\0';
	printf("%.*s\n", (int)strcspn(request, "\r\n"), request);
	fflush(stdout);
	if (strncmp(request, "GET /endless ", strlen("GET /endless ")) == 0) {
		if (write(connection, ENDLESS, sizeof(ENDLESS) - 1) > 0 && fork() == 0) {
			write_for_ever(connection);
			_exit(0);
		}
		return;
	}
	if (write(connection, ANSWER, sizeof(ANSWER) - 1) < 0)
		perror("write");
}

int main(void)
{
#ifdef IPV6
	const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(8080)};
	int listening = socket(AF_INET6, SOCK_STREAM, 0);
#else
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
	int listening = socket(AF_INET, SOCK_STREAM, 0);
#endif
	int on = 1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (listening < 0 || setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(listening, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listening, 4096) < 0) {
		perror("listener");
		return 1;
	}
	for (;;) {
		int connection = accept(listening, NULL, NULL);

		if (connection < 0)
			continue;
		serve(connection);
		close(connection);
	}
}
