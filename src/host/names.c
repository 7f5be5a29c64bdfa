// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * names.c - a resolv.conf without the name servers that a copy cannot reach.
 */
#include "host/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const SOURCES[] = {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"};

/* Reads a line "nameserver ADDRESS". Return: false if it is another line. */
static bool names_parse_server(const char *line, struct address *ret)
{
	char text[ADDRESS_TEXT_MAX];

	if (sscanf(line, " nameserver %49s", text) != 1)
		return false;
	text[strcspn(text, "%/")] = '\0'; /* cut a zone off: fe80::1%eth0 */
	return address_parse(ret, text);
}

static bool names_is_loopback(const struct address *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->bytes[0] == 127 ||
		       address->bytes[0] == 0; /* 0.0.0.0 is this host */
	return memcmp(address->bytes, loopback6, sizeof(loopback6)) == 0;
}

bool names_filter(const char *text, bool (*is_usable)(const struct address *address, void *data),
		  void *data, char *filtered)
{
	size_t length = 0;
	bool found = false;

	filtered[0] = '\0';
	while (*text) {
		char line[NAMES_TEXT_MAX];
		size_t end = strcspn(text, "\n");
		struct address server;
		bool is_server;

		snprintf(line, sizeof(line), "%.*s", (int)end, text);
		text += end + (text[end] == '\n');
		is_server = names_parse_server(line, &server);
		if (is_server && (names_is_loopback(&server) || !is_usable(&server, data)))
			continue;
		if (length + strlen(line) + 2 > NAMES_TEXT_MAX)
			break;
		length += (size_t)sprintf(filtered + length, "%s\n", line);
		found = found || is_server;
	}
	return found;
}

void names_read(bool (*is_usable)(const struct address *address, void *data), void *data,
		char *filtered)
{
	filtered[0] = '\0';
	for (size_t i = 0; i < sizeof(SOURCES) / sizeof(SOURCES[0]); i++) {
		char text[NAMES_TEXT_MAX];
		AUTO_CLOSE int fd = open(SOURCES[i], O_RDONLY | O_CLOEXEC);
		ssize_t n;

		if (fd < 0)
			continue;
		do
			n = read(fd, text, sizeof(text) - 1);
		while (n < 0 && errno == EINTR);
		text[n > 0 ? n : 0] = '\0';
		if (names_filter(text, is_usable, data, filtered))
			return;
	}
}

/* Reads up to @size bytes. Return: how many, or -errno. */
static ssize_t names_read_file(int fd, char *text, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, text + length, size - length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		length += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)length;
}

char *names_read_hosts(void)
{
	AUTO_CLOSE int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	ssize_t length;

	if (fd < 0)
		return NULL;
	text = malloc(NAMES_HOSTS_MAX + 1);
	if (!text)
		return NULL;
	length = names_read_file(fd, text, NAMES_HOSTS_MAX);
	if (length < 0)
		length = 0;
	if (length == NAMES_HOSTS_MAX)
		while (length > 0 && text[length - 1] != '\n') /* no half a line */
			length--;
	text[length] = '\0';
	return strdup(text); /* no longer than it is */
}

void names_format_own(const char *name, const struct address *address,
		      const struct address *address6, char *lines)
{
	char text[ADDRESS_TEXT_MAX];
	int length = snprintf(lines, NAMES_OWN_MAX, "%s %s\n", address_format(address, text), name);

	if (address6->family != AF_UNSPEC)
		snprintf(lines + length, NAMES_OWN_MAX - (size_t)length, "%s %s\n",
			 address_format(address6, text), name);
}
