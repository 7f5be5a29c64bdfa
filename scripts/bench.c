// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench.c - counts how many connections a second can be made, asked one thing, and closed.
 *
 * usage: bench ADDRESS PORT MILLISECONDS
 *
 * One after the other, so that what is measured is the way, not the machine's number of processors.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char REQUEST[] = "GET / HTTP/1.0\r\n\r\n";

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int ask(const struct sockaddr_in *to)
{
	char answer[4096];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n = -1;

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
	    send(fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL) > 0)
		do
			n = recv(fd, answer, sizeof(answer), 0);
		while (n > 0);
	if (fd >= 0)
		close(fd);
	return n == 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int64_t began = now_us();
	int64_t deadline;
	unsigned long count = 0;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return EXIT_FAILURE;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	deadline = began + strtol(argv[3], NULL, 10) * 1000;
	while (now_us() < deadline) {
		if (!ask(&to)) {
			perror("bench: a connection failed");
			return EXIT_FAILURE;
		}
		count++;
	}
	printf("%.0f\n", (double)count * 1e6 / (double)(now_us() - began));
	return EXIT_SUCCESS;
}
