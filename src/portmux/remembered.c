// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * remembered.c - reads and writes that file.
 */
#include "portmux/remembered.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "plan.h"

enum {
	REMEMBERED_FILE_MAX = 1 << 20, /* bytes: a longer one is not ours */
	REMEMBERED_FIRST_PORT = 1024,  /* no lower one is ever free */
};

static const char FILE_NAME[] = "ports";
static const char NEW_NAME[] = "ports.new"; /* until it is complete */
static const char HEAD[] = "# host ports that were free: COPY ADDRESS PORT PROTOCOL HOSTPORT\n";

/* ---- From text ---- */

static bool remembered_read_address(struct address *ret, const char *text)
{
	*ret = (struct address){0};
	return strcmp(text, "*") == 0 || (!strchr(text, '/') && address_parse(ret, text));
}

/* Reads a text of digits only. Return: false: it is none, or less than @min, or more than @max. */
static bool remembered_read_number(unsigned int *ret, const char *text, unsigned int min,
				   unsigned int max)
{
	unsigned int value = 0;

	for (const char *digit = text; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || value > max)
			return false;
		value = 10 * value + (unsigned int)(*digit - '0');
	}
	*ret = value;
	return *text && value >= min && value <= max;
}

static bool remembered_read_protocol(uint8_t *ret, const char *text)
{
	*ret = strcmp(text, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	return *ret == IPPROTO_UDP || strcmp(text, "tcp") == 0;
}

/* Changes @line. */
static bool remembered_read_line(struct remembered_port *ret, char *line)
{
	unsigned int copy, port, host_port;
	char *parts[5];

	for (size_t i = 0; i < 5; i++) {
		parts[i] = strsep(&line, " ");
		if (!parts[i])
			return false;
	}
	if (line || !remembered_read_number(&copy, parts[0], 1, PLAN_COPIES_MAX) ||
	    !remembered_read_number(&port, parts[2], 1, UINT16_MAX) ||
	    !remembered_read_number(&host_port, parts[4], REMEMBERED_FIRST_PORT, UINT16_MAX))
		return false;
	*ret = (struct remembered_port){
		.copy = copy, .port = (uint16_t)port, .host_port = (uint16_t)host_port};
	return remembered_read_address(&ret->address, parts[1]) &&
	       remembered_read_protocol(&ret->protocol, parts[3]);
}

static int remembered_append(struct remembered *remembered, const struct remembered_port *port)
{
	struct remembered_port *grown =
		reallocarray(remembered->ports, remembered->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	remembered->ports = grown;
	remembered->ports[remembered->count++] = *port;
	return 0;
}

static int remembered_parse_lines(struct remembered *ret, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		struct remembered_port port;
		int err;

		if (*line == '#' || !*line)
			continue;
		if (!remembered_read_line(&port, line))
			return -EINVAL;
		err = remembered_append(ret, &port);
		if (err)
			return err;
	}
	return 0;
}

int remembered_parse(struct remembered *ret, const char *text)
{
	char *copy = strdup(text);
	int err;

	*ret = (struct remembered){0};
	if (!copy)
		return -ENOMEM;
	err = remembered_parse_lines(ret, copy);
	free(copy);
	if (err)
		remembered_free(ret);
	return err;
}

/* ---- The file ---- */

/* Return: the whole file, owned; or NULL: it is not there, or is not a file of ours. */
static char *remembered_load(const char *state, uid_t owner)
{
	AUTO_CLOSE int directory = directory_open(AT_FDCWD, state);
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char *text;
	ssize_t n;

	if (directory < 0)
		return NULL;
	/* To open a FIFO, or a device, must not wait. */
	fd = openat(directory, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != owner ||
	    st.st_size > REMEMBERED_FILE_MAX)
		return NULL;
	text = calloc(1, (size_t)st.st_size + 1);
	n = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (n >= 0 && !memchr(text, '\0', (size_t)n))
		return text;
	free(text);
	return NULL;
}

int remembered_read(struct remembered *ret, const char *state, const struct identity *caller)
{
	int borrowed = identity_borrow(caller);
	AUTO_FREE char *text = NULL;

	*ret = (struct remembered){0};
	if (borrowed < 0)
		return borrowed;
	text = remembered_load(state, caller->uid);
	if (text)
		remembered_parse(ret, text);
	return identity_give_back(borrowed);
}

static int remembered_print(const struct remembered *remembered, FILE *file)
{
	fputs(HEAD, file);
	for (size_t i = 0; i < remembered->count; i++) {
		const struct remembered_port *port = &remembered->ports[i];
		char address[ADDRESS_TEXT_MAX] = "*";

		if (port->address.family != AF_UNSPEC)
			address_format(&port->address, address);
		fprintf(file, "%u %s %u %s %u\n", port->copy, address, port->port,
			port->protocol == IPPROTO_UDP ? "udp" : "tcp", port->host_port);
	}
	return ferror(file) ? -EIO : 0;
}

static int remembered_save(const struct remembered *remembered, int directory)
{
	FILE *file;
	int fd, err;

	unlinkat(directory, NEW_NAME, 0); /* of a run that was killed */
	fd = openat(directory, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		err = -errno;
		fd_close(&fd);
		return err;
	}
	err = remembered_print(remembered, file);
	if (fclose(file) != 0)
		err = -errno;
	if (!err && renameat(directory, NEW_NAME, directory, FILE_NAME) < 0)
		err = -errno;
	if (err)
		unlinkat(directory, NEW_NAME, 0);
	return err;
}

int remembered_write(const struct remembered *remembered, const char *state,
		     const struct identity *caller)
{
	int borrowed = identity_borrow(caller);
	AUTO_CLOSE int directory = -1;
	int err, back_err;

	if (borrowed < 0)
		return borrowed;
	directory = directory_open(AT_FDCWD, state);
	err = directory < 0 ? directory : remembered_save(remembered, directory);
	back_err = identity_give_back(borrowed);
	if (back_err)
		return back_err;
	return err ? error_report(err, "%s/%s: cannot be written", state, FILE_NAME) : 0;
}

/* ---- While ports are chosen ---- */

static bool remembered_is_like(const struct remembered_port *a, const struct remembered_port *b)
{
	return a->copy == b->copy && a->protocol == b->protocol && a->port == b->port &&
	       address_is_equal(&a->address, &b->address);
}

struct remembered_port *remembered_take(struct remembered *remembered,
					const struct remembered_port *like)
{
	size_t i = 0;

	while (i < remembered->count &&
	       (remembered->ports[i].is_taken || !remembered_is_like(&remembered->ports[i], like)))
		i++;
	if (i == remembered->count && remembered_append(remembered, like) < 0)
		return NULL;
	remembered->ports[i].is_taken = true;
	return &remembered->ports[i];
}

void remembered_free(struct remembered *remembered)
{
	free(remembered->ports);
	*remembered = (struct remembered){0};
}
