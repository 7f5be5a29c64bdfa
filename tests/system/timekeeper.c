// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timekeeper.c - stands in for http_recorder.py where a test asks when something reached a copy.
 *
 * It notes the time, CLOCK_MONOTONIC in seconds, in /tmp/started when it starts and in /tmp/sigterm
 * when it gets SIGTERM, which ends it. On port 8080 it prints each request's first line and answers
 * it. Two paths do more:
 *	/flood      print lines for ever
 *	/exit       answer, and end with status 3
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char ANSWER[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhere\n";

/* The file is there only once it is whole. */
static void note_time(const char *path)
{
	char draft[64];
	struct timespec now;
	FILE *file;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(draft, sizeof(draft), "%s.draft", path);
	file = fopen(draft, "we");
	if (!file)
		exit(1);
	fprintf(file, "%lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	if (fclose(file) != 0 || rename(draft, path) < 0)
		exit(1);
}

/* A process of its own: this one must never wait for who reads what the copy prints. */
static void flood(void)
{
	static const char LINE[] = "flood flood flood flood flood flood flood flood flood\n";

	if (fork() != 0)
		return;
	while (write(STDOUT_FILENO, LINE, sizeof(LINE) - 1) > 0)
		;
	_exit(0);
}

static void serve(int connection)
{
	char request[4096];
	ssize_t n = read(connection, request, sizeof(request) - 1);

	if (n <= 0)
		return;
	request[n] = '\0';
	if (strncmp(request, "GET /flood ", strlen("GET /flood ")) == 0) {
		flood();
	} else {
		printf("%.*s\n", (int)strcspn(request, "\r\n"), request);
		fflush(stdout);
	}
	if (write(connection, ANSWER, sizeof(ANSWER) - 1) < 0)
		perror("write");
	shutdown(connection, SHUT_RDWR); /* whoever else has it */
	if (strncmp(request, "GET /exit ", strlen("GET /exit ")) == 0)
		exit(3);
}

int main(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	sigset_t sigterm;
	struct pollfd ready[2];

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&sigterm);
	sigaddset(&sigterm, SIGTERM);
	sigprocmask(SIG_BLOCK, &sigterm, NULL);
	ready[0] = (struct pollfd){.fd = signalfd(-1, &sigterm, SFD_CLOEXEC), .events = POLLIN};
	ready[1] = (struct pollfd){.fd = listening, .events = POLLIN};
	note_time("/tmp/started");
	if (ready[0].fd < 0 || listening < 0 ||
	    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(listening, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listening, 128) < 0) {
		perror("timekeeper");
		return 1;
	}
	while (poll(ready, 2, -1) > 0 && !ready[0].revents) {
		int connection = accept(listening, NULL, NULL);

		if (connection < 0)
			continue;
		serve(connection);
		close(connection);
	}
	note_time("/tmp/sigterm");
	return 0;
}
