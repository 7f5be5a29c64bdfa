// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * names.c - a resolv.conf without the name servers that a copy cannot reach.
 */
#include "host/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
