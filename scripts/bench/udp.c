// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp.c - measures how many datagrams a second a server answers.
 *
 * usage: udp ADDRESS PORT MILLISECONDS
 *
 * Some datagrams are always under way; each answer is followed by the next one. What is lost is
 * sent anew. iperf3 would measure one direction alone, and sends more than can arrive.
 */
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { UNDER_WAY = 32, LOST_AFTER_US = 20000 };

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int begin(const char *address, const char *port)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_DGRAM};
	const struct timeval wait = {.tv_usec = LOST_AFTER_US};
	struct addrinfo *to;
	int fd;

	if (getaddrinfo(address, port, &hints, &to) != 0)
		return -1;
	fd = socket(to->ai_family, SOCK_DGRAM, 0);
	if (fd >= 0 && (connect(fd, to->ai_addr, to->ai_addrlen) < 0 ||
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(to);
	return fd;
}

int main(int argc, char **argv)
{
	const char question[64] = "?";
	char answer[256];
	int64_t began = now_us(), deadline;
	long answers = 0;
	int fd;

	if (argc != 4)
		return 2;
	fd = begin(argv[1], argv[2]);
	if (fd < 0) {
		perror("udp");
		return 1;
	}
	deadline = began + strtol(argv[3], NULL, 10) * 1000;
	for (int wanted = UNDER_WAY; now_us() < deadline; wanted = 1) {
		for (int i = 0; i < wanted; i++)
			send(fd, question, sizeof(question), 0);
		while (recv(fd, answer, sizeof(answer), 0) < 0 && now_us() < deadline)
			for (int i = 0; i < UNDER_WAY; i++)
				send(fd, question, sizeof(question), 0);
		answers++;
	}
	printf("%.0f\n", (double)answers * 1e6 / (double)(now_us() - began));
	return 0;
}
