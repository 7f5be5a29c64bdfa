// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load.c - sends as many HTTP requests as it can, and counts each one that fails.
 *
 * usage: load kept|new CONNECTIONS SECONDS PORT ADDRESS...
 *
 *	kept	a connection is renewed after 100 requests
 *	new	a new connection for each request
 *
 * CONNECTIONS connections at a time, to the addresses in turn, each with one request under way. It
 * ends after SECONDS, or at SIGTERM or SIGINT: no request is begun any more, and those under way
 * are awaited. Then it prints, as JSON, how many were answered, and by which copy (one_thread.c),
 * how long that took, and how many failed, why, and when, by CLOCK_MONOTONIC.
 *
 * A kept connection that was closed while no request was under way is opened again: that is no
 * failure. All else is: a connection that is refused, reset or closed before the whole answer has
 * come, and an answer that has not come within 5 seconds. After a failure there is a pause of
 * 0.1 s.
 *
 * Who closes: of a connection for one request, the server is the first. Whoever is first keeps the
 * port for a minute (TIME_WAIT), and a client of thousands a second would soon have none left. So
 * the client takes the same ports again after some seconds, as clients do, though the server and
 * the NAT between them still remember the last connection from there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	RENEWED_AFTER = 100, /* requests */
	TIMEOUT_US = 5000000,
	PAUSE_US = 100000, /* after a failure */
	TURN_MS = 20,      /* how often it looks for what has timed out, or paused */
	TURN_US = 1000 * TURN_MS,
	EVENTS = 256,
	ADDRESSES_MAX = 16,
	ANSWER_MAX = 1024,
	COPIES_MAX = 1024,
	FAILURES_TOLD = 20,
	STEPS = 64, /* of a histogram, for each doubling: an error below 2 % */
	DOUBLINGS = 32,
	HISTOGRAM = STEPS * DOUBLINGS,
};

enum failure { REFUSED, RESET, CLOSED, TIMED_OUT, OTHER, FAILURES };

static const char *const FAILURE_NAMES[FAILURES] = {"refused", "reset", "closed", "timeout",
						    "other"};

struct address {
	const char *text;
	struct sockaddr_storage to;
};

struct connection {
	const struct address *address;
	int fd; /* -1: none */
	bool is_begun, is_answered, is_last;
	unsigned int requests; /* answered on it */
	unsigned int copy;     /* that has answered last on it; 0: none yet */
	int64_t began_us;      /* the request */
	int64_t failed_us;     /* the last one that did */
	size_t length;
	char answer[ANSWER_MAX + 1];
};

struct told {
	enum failure failure;
	int error;
	int64_t began_us, failed_us;
	const char *address;
	unsigned int copy, requests;
};

struct load {
	int epoll;
	bool is_kept, is_over;
	int64_t began_us, end_us;
	struct address addresses[ADDRESSES_MAX];
	size_t address_count;
	struct connection *connections;
	size_t connection_count, open_count;
	unsigned long requests, opened, failed[FAILURES], answers[COPIES_MAX];
	unsigned long histogram[HISTOGRAM];
	int64_t longest_us;
	struct told told[FAILURES_TOLD];
	size_t told_count;
};

static volatile sig_atomic_t is_told_to_end;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* ---- How long answers take ------------------------------------------------------------------ */

static size_t histogram_index(int64_t us)
{
	unsigned int doublings = 0;

	for (; us / 2 >= STEPS; us /= 2)
		doublings++;
	return (size_t)doublings * STEPS + (size_t)us;
}

static int64_t histogram_value(size_t index)
{
	if (index < STEPS)
		return (int64_t)index;
	return (int64_t)(index % STEPS + STEPS) << (index / STEPS - 1);
}

/* The time within which that part of the requests was answered. */
static int64_t histogram_quantile(const struct load *load, double part)
{
	double left = part * (double)load->requests;

	for (size_t i = 0; i < HISTOGRAM; i++) {
		left -= (double)load->histogram[i];
		if (load->histogram[i] && left <= 0)
			return histogram_value(i);
	}
	return 0;
}

/* ---- A connection --------------------------------------------------------------------------- */

static void connection_close(struct load *load, struct connection *connection)
{
	if (connection->fd < 0)
		return;
	close(connection->fd);
	connection->fd = -1;
	load->open_count--;
}

static enum failure failure_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REFUSED;
	case ECONNRESET:
	case EPIPE:
		return RESET;
	case ETIMEDOUT:
		return TIMED_OUT;
	case 0:
		return CLOSED;
	default:
		return OTHER;
	}
}

/* error: an errno; 0: closed too early */
static void connection_fail(struct load *load, struct connection *connection, int error)
{
	enum failure failure = failure_of(error);

	connection->failed_us = now_us();
	load->failed[failure]++;
	if (load->told_count < FAILURES_TOLD)
		load->told[load->told_count++] = (struct told){
			.failure = failure,
			.error = error,
			.began_us = connection->began_us,
			.failed_us = connection->failed_us,
			.address = connection->address->text,
			.copy = connection->copy,
			.requests = connection->requests,
		};
	connection_close(load, connection);
}

static void connection_open(struct load *load, struct connection *connection)
{
	const struct sockaddr *to = (const struct sockaddr *)&connection->address->to;
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = connection};
	int error = 0;

	connection->is_begun = connection->is_last = false;
	connection->requests = connection->copy = 0;
	connection->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0) {
		perror("load: socket");
		exit(EXIT_FAILURE);
	}
	load->open_count++;
	load->opened++;
	if (connect(connection->fd, to, sizeof(connection->address->to)) < 0)
		error = errno == EINPROGRESS ? 0 : errno;
	if (!error && epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		error = errno;
	if (error)
		connection_fail(load, connection, error);
}

static void connection_send(struct load *load, struct connection *connection)
{
	static const char KEPT[] = "GET / HTTP/1.1\r\nHost: load\r\n\r\n";
	static const char ONCE[] = "GET / HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n";
	const char *request = load->is_kept ? KEPT : ONCE;

	connection->is_begun = true;
	connection->is_answered = false;
	connection->length = 0;
	if (send(connection->fd, request, strlen(request), MSG_NOSIGNAL) >= 0)
		return;
	if (connection->requests == 0) {
		connection_fail(load, connection, errno);
		return;
	}
	/* It was closed before. */
	connection_close(load, connection);
	connection_open(load, connection);
}

/* Begin a request, on a connection that is open or on a new one; or end, when it is time. */
static void connection_begin(struct load *load, struct connection *connection)
{
	if (load->is_over) {
		connection_close(load, connection);
		return;
	}
	connection->began_us = now_us();
	if (connection->fd < 0)
		connection_open(load, connection);
	else
		connection_send(load, connection);
}

/* Count the answer, if all of it has come. */
static void connection_look(struct load *load, struct connection *connection)
{
	static const char LENGTH[] = "\r\nContent-Length: ";
	int64_t took = now_us() - connection->began_us;
	const char *length = strstr(connection->answer, LENGTH);
	const char *body = strstr(connection->answer, "\r\n\r\n");

	if (!length || !body || strlen(body + 4) < strtoul(length + strlen(LENGTH), NULL, 10))
		return;
	connection->is_answered = true;
	connection->is_last = !!strstr(connection->answer, "\r\nConnection: close\r\n");
	connection->copy = (unsigned int)strtoul(body + 4, NULL, 10) % COPIES_MAX;
	connection->requests++;
	load->requests++;
	load->answers[connection->copy]++;
	load->histogram[histogram_index(took)]++;
	if (took > load->longest_us)
		load->longest_us = took;
}

static void connection_on_data(struct load *load, struct connection *connection, bool is_closed)
{
	ssize_t n = recv(connection->fd, connection->answer + connection->length,
			 ANSWER_MAX - connection->length, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		connection->length += (size_t)n;
		connection->answer[connection->length] = '\0';
		connection_look(load, connection);
	} else if (!connection->is_answered) {
		connection_fail(load, connection, n < 0 ? errno : 0);
		return;
	}
	if (!connection->is_answered)
		return;
	if (n > 0 && !is_closed && !load->is_kept)
		return; /* the server closes it */
	if (n <= 0 || is_closed || connection->is_last || connection->requests >= RENEWED_AFTER)
		connection_close(load, connection);
	connection_begin(load, connection);
}

/* The first event is that it is connected, or could not be: send() tells. */
static void connection_on_event(struct load *load, struct connection *connection, uint32_t events)
{
	if (connection->is_begun)
		connection_on_data(load, connection, events & (EPOLLRDHUP | EPOLLHUP));
	else
		connection_send(load, connection);
}

/* ---- All of them ---------------------------------------------------------------------------- */

static void load_end_late_ones(struct load *load, int64_t now)
{
	for (size_t i = 0; i < load->connection_count; i++) {
		struct connection *connection = &load->connections[i];

		if (connection->fd >= 0 && now - connection->began_us > TIMEOUT_US)
			connection_fail(load, connection, ETIMEDOUT);
		if (connection->fd < 0 && now - connection->failed_us >= PAUSE_US)
			connection_begin(load, connection);
	}
}

static void load_run(struct load *load)
{
	struct epoll_event events[EVENTS];
	int64_t looked_us = 0;

	while (!load->is_over || load->open_count > 0) {
		int64_t now = now_us();
		int count;

		load->is_over = is_told_to_end || now >= load->end_us;
		if (now - looked_us >= TURN_US) {
			load_end_late_ones(load, now);
			looked_us = now;
		}
		count = epoll_wait(load->epoll, events, EVENTS, TURN_MS);
		for (int i = 0; i < count; i++)
			connection_on_event(load, events[i].data.ptr, events[i].events);
	}
}

static void load_tell_failures(const struct load *load)
{
	printf("\"failed\": {");
	for (int i = 0; i < FAILURES; i++)
		printf("%s\"%s\": %lu", i ? ", " : "", FAILURE_NAMES[i], load->failed[i]);
	printf("}, \"failures\": [");
	for (size_t i = 0; i < load->told_count; i++) {
		const struct told *told = &load->told[i];

		printf("%s{\"kind\": \"%s\", \"error\": \"%s\", \"began\": %.6f, \"failed\": %.6f, "
		       "\"address\": \"%s\", \"copy\": %u, \"requests\": %u}",
		       i ? ", " : "", FAILURE_NAMES[told->failure],
		       told->error ? strerror(told->error) : "", (double)told->began_us / 1e6,
		       (double)told->failed_us / 1e6, told->address, told->copy, told->requests);
	}
	printf("]");
}

static void load_tell(const struct load *load)
{
	bool is_first = true;
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("{\"requests\": %lu, \"connections\": %lu, \"seconds\": %.6f, \"cpu_seconds\": "
	       "%.6f, ",
	       load->requests, load->opened, (double)(now_us() - load->began_us) / 1e6,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	printf("\"p50_us\": %lld, \"p99_us\": %lld, \"longest_us\": %lld, ",
	       (long long)histogram_quantile(load, 0.50), (long long)histogram_quantile(load, 0.99),
	       (long long)load->longest_us);
	load_tell_failures(load);
	printf(", \"answers\": {");
	for (size_t i = 0; i < COPIES_MAX; i++) {
		if (load->answers[i])
			printf("%s\"%zu\": %lu", is_first ? "" : ", ", i, load->answers[i]);
		is_first = is_first && !load->answers[i];
	}
	printf("}}\n");
}

static bool address_parse(struct address *address, const char *text, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address->to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->to;

	address->text = text;
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

static void load_begin(struct load *load)
{
	for (size_t i = 0; i < load->connection_count; i++) {
		load->connections[i].fd = -1;
		load->connections[i].address = &load->addresses[i % load->address_count];
	}
}

static bool load_parse(struct load *load, int argc, char **argv)
{
	uint16_t port;

	if (argc < 6 || argc > 5 + ADDRESSES_MAX)
		return false;
	load->is_kept = strcmp(argv[1], "kept") == 0;
	load->connection_count = strtoul(argv[2], NULL, 10);
	load->began_us = now_us();
	load->end_us = load->began_us + (int64_t)(strtod(argv[3], NULL) * 1e6);
	port = (uint16_t)strtoul(argv[4], NULL, 10);
	for (int i = 5; i < argc; i++)
		if (!address_parse(&load->addresses[load->address_count++], argv[i], port))
			return false;
	return load->is_kept || strcmp(argv[1], "new") == 0;
}

static void on_signal(int number)
{
	(void)number;
	is_told_to_end = 1;
}

int main(int argc, char **argv)
{
	const struct sigaction end = {.sa_handler = on_signal};
	static struct load load;

	if (!load_parse(&load, argc, argv)) {
		fprintf(stderr, "usage: load kept|new CONNECTIONS SECONDS PORT ADDRESS...\n");
		return 2;
	}
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.connections = calloc(load.connection_count, sizeof(*load.connections));
	if (load.epoll < 0 || !load.connections) {
		perror("load");
		return EXIT_FAILURE;
	}
	load_begin(&load);
	load_run(&load);
	load_tell(&load);
	free(load.connections);
	return EXIT_SUCCESS;
}
