// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench.c - measures the way to a program that answers as bench_server.c does.
 *
 * usage: bench new|kept|bytes ADDRESS PORT MILLISECONDS
 *
 *	new	how many connections a second can be made, asked one thing, and closed
 *	kept	how many requests a second can be made on one connection
 *	bytes	how many MiB a second come by one connection
 *
 * One after the other, so that what is measured is the way, not the machine's number of processors.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char REQUEST[] = "GET / HTTP/1.1\r\n\r\n";
static const char REQUEST_ONCE[] = "GET /once HTTP/1.1\r\n\r\n";
static const char REQUEST_FOR_BYTES[] = "GET /bytes HTTP/1.1\r\n\r\n";

static struct sockaddr_in to = {.sin_family = AF_INET};
static int64_t deadline;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int begin(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Each answer is short, and comes in one piece. */
static int ask(int fd)
{
	char answer[4096];

	return send(fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL) > 0 &&
	       recv(fd, answer, sizeof(answer), 0) > 0;
}

static int ask_once(int fd)
{
	char answer[4096];
	ssize_t n = send(fd, REQUEST_ONCE, sizeof(REQUEST_ONCE) - 1, MSG_NOSIGNAL);

	while (n > 0)
		n = recv(fd, answer, sizeof(answer), 0);
	return n == 0;
}

/* Return: how many; negative: one has failed. */
static double count_new(void)
{
	long count = 0;

	for (; now_us() < deadline; count++) {
		int fd = begin();
		int is_answered = fd >= 0 && ask_once(fd);

		if (fd >= 0)
			close(fd);
		if (!is_answered)
			return -1;
	}
	return (double)count;
}

static double count_kept(void)
{
	int fd = begin();
	long count = 0;

	for (; now_us() < deadline; count++)
		if (fd < 0 || !ask(fd))
			return -1;
	close(fd);
	return (double)count;
}

static double count_bytes(void)
{
	static char data[1 << 18];
	int fd = begin();
	double bytes = 0;

	if (fd < 0 || send(fd, REQUEST_FOR_BYTES, sizeof(REQUEST_FOR_BYTES) - 1, MSG_NOSIGNAL) < 0)
		return -1;
	while (now_us() < deadline) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		if (n == 0)
			errno = ECONNABORTED; /* the server sends for ever */
		if (n <= 0)
			return -1;
		bytes += (double)n;
	}
	close(fd);
	return bytes / (1 << 20);
}

int main(int argc, char **argv)
{
	int64_t began = now_us();
	double count = -1;

	if (argc != 5 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return EXIT_FAILURE;
	to.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	deadline = began + strtol(argv[4], NULL, 10) * 1000;
	if (strcmp(argv[1], "new") == 0)
		count = count_new();
	else if (strcmp(argv[1], "kept") == 0)
		count = count_kept();
	else if (strcmp(argv[1], "bytes") == 0)
		count = count_bytes();
	if (count < 0) {
		perror("bench: a connection failed");
		return EXIT_FAILURE;
	}
	printf("%.0f\n", count * 1e6 / (double)(now_us() - began));
	return EXIT_SUCCESS;
}
