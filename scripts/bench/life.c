// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * life.c - measures how long a program takes to start, as its clients see it, and to stop.
 *
 * usage: life PORT... -- COMMAND... [-- COMMAND...]
 *
 * Starts the commands at once, in one process group, and asks each port of localhost for a page, by
 * an ordinary connection, again and again until it answers: only a byte of an answer counts, as
 * there are ways that take connections before anybody serves them. Prints the milliseconds from the
 * start until all have answered. When its standard input ends, it sends the group SIGINT, as Ctrl-C
 * on a terminal does, and prints the milliseconds until all commands have ended. What they print is
 * not kept, but for their errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAUSE_US = 200, /* between two rounds of connections */
	WAIT_S = 1,     /* for an answer */
	DEADLINE_S = 60,
	PORTS_MAX = 1000,
};

static const char REQUEST[] = "GET / HTTP/1.0\r\nConnection: close\r\n\r\n";

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool answers(uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_answered = false;
	char answer[4096];

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL) > 0)
		while (recv(fd, answer, sizeof(answer), 0) > 0)
			is_answered = true;
	close(fd);
	return is_answered;
}

/* Starts a command in the group of the first one; @group: 0 for that one itself. */
static pid_t start(char **argv, pid_t group)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setpgid(0, group);
		signal(SIGINT, SIG_DFL); /* a shell's background jobs ignore it */
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid > 0)
		setpgid(pid, group); /* so that it is done, whoever is first */
	return pid;
}

/* Whether a command has ended by itself. */
static bool has_ended(void)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Return: whether all ports have answered in time. */
static bool wait_for_answers(const uint16_t *ports, int count, double began)
{
	int answered = 0;

	while (answered < count) {
		if (answers(ports[answered]))
			answered++;
		else if (now_ms() - began > DEADLINE_S * 1e3 || has_ended())
			return false;
		else
			usleep(PAUSE_US);
	}
	return true;
}

/* Starts all commands, from argv[first] on. Return: their process group, or -1. */
static pid_t start_all(int argc, char **argv, int first)
{
	pid_t group = 0;
	int next;

	for (; first < argc; first = next + 1) {
		pid_t pid;

		for (next = first + 1; next < argc && strcmp(argv[next], "--") != 0; next++)
			;
		argv[next] = NULL;
		pid = start(&argv[first], group);
		if (pid < 0)
			return -1;
		if (!group)
			group = pid;
	}
	return group;
}

int main(int argc, char **argv)
{
	static uint16_t ports[PORTS_MAX];
	int count = 0, failed = 0, status;
	pid_t group;
	double began;
	char rest;

	for (; count + 1 < argc && count < PORTS_MAX && strcmp(argv[count + 1], "--") != 0; count++)
		ports[count] = (uint16_t)strtoul(argv[count + 1], NULL, 10);
	if (count + 2 >= argc || strcmp(argv[count + 1], "--") != 0) {
		fputs("usage: life PORT... -- COMMAND... [-- COMMAND...]\n", stderr);
		return 2;
	}
	began = now_ms();
	group = start_all(argc, argv, count + 2);
	if (group < 0) {
		perror("fork");
		return 1;
	}
	if (wait_for_answers(ports, count, began)) {
		printf("%.3f\n", now_ms() - began);
		fflush(stdout);
		while (read(STDIN_FILENO, &rest, 1) > 0)
			;
	} else {
		fputs("life: not all ports have answered\n", stderr);
		failed = 1;
	}
	began = now_ms();
	alarm(DEADLINE_S); /* ends this program */
	kill(-group, SIGINT);
	while (wait(&status) > 0 || errno == EINTR)
		;
	if (!failed)
		printf("%.3f\n", now_ms() - began);
	return failed;
}
