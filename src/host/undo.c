// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * undo.c - records to lines and back, and what each of them undoes.
 */
#include "host/undo.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "net/conntrack.h"

enum { UNDO_LOG_MAX = 16 << 20 };

void undo_format(const struct undo_record *record, char *line)
{
	char network[ADDRESS_TEXT_MAX];
	const uint8_t *mac = record->mac.octet;

	switch (record->kind) {
	case UNDO_LINKS:
		snprintf(line, UNDO_LINE_MAX, "links %02x:%02x:%02x:%02x:%02x:%02x\n", mac[0],
			 mac[1], mac[2], mac[3], mac[4], mac[5]);
		break;
	case UNDO_CONNTRACK:
		snprintf(line, UNDO_LINE_MAX, "conntrack %s\n",
			 address_format_network(&record->network, network));
		break;
	case UNDO_SYSCTL:
		snprintf(line, UNDO_LINE_MAX, "sysctl %s %s %s\n", record->before, record->after,
			 record->path);
		break;
	case UNDO_DIRECTORY:
		snprintf(line, UNDO_LINE_MAX, "directory %s\n", record->path);
		break;
	}
}

/* The text behind "WORD " where @line begins with that, else NULL. */
static const char *undo_behind(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static bool undo_parse_mac(const char *text, struct mac *ret)
{
	struct ether_addr mac;

	if (!ether_aton_r(text, &mac) || strlen(text) != strlen("00:00:00:00:00:00"))
		return false;
	memcpy(ret->octet, mac.ether_addr_octet, sizeof(ret->octet));
	return ret->octet[0] & 0x02; /* none but a locally administered one is ours */
}

static bool undo_parse_word(const char **text, char *word, size_t size)
{
	size_t length = strcspn(*text, " ");

	if (length == 0 || length >= size || (*text)[length] != ' ')
		return false;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += length + 1;
	return true;
}

static bool undo_parse_path(const char *text, char *path)
{
	size_t length = strlen(text);

	if (length == 0 || length >= PATH_MAX || strstr(text, "/../"))
		return false;
	memcpy(path, text, length + 1);
	return true;
}

bool undo_parse(const char *line, struct undo_record *ret)
{
	const char *rest;

	if ((rest = undo_behind(line, "links"))) {
		ret->kind = UNDO_LINKS;
		return undo_parse_mac(rest, &ret->mac);
	}
	if ((rest = undo_behind(line, "conntrack"))) {
		ret->kind = UNDO_CONNTRACK;
		return strchr(rest, '/') && address_parse(&ret->network, rest);
	}
	if ((rest = undo_behind(line, "sysctl"))) {
		ret->kind = UNDO_SYSCTL;
		return undo_parse_word(&rest, ret->before, sizeof(ret->before)) &&
		       undo_parse_word(&rest, ret->after, sizeof(ret->after)) &&
		       strncmp(rest, "net/", 4) == 0 && undo_parse_path(rest, ret->path);
	}
	if ((rest = undo_behind(line, "directory"))) {
		ret->kind = UNDO_DIRECTORY;
		return rest[0] == '/' && undo_parse_path(rest, ret->path);
	}
	return false;
}

static int undo_note(int log, const struct undo_record *record)
{
	char line[UNDO_LINE_MAX];
	ssize_t n;

	undo_format(record, line);
	do
		n = write(log, line, strlen(line));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)strlen(line))
		return 0;
	return error_report(n < 0 ? -errno : -ENOSPC, "cannot write the undo log");
}

int undo_note_links(int log, const struct mac *mac)
{
	const struct undo_record record = {.kind = UNDO_LINKS, .mac = *mac};

	return undo_note(log, &record);
}

int undo_note_conntrack(int log, const struct address *network)
{
	const struct undo_record record = {.kind = UNDO_CONNTRACK, .network = *network};

	return undo_note(log, &record);
}

int undo_note_sysctl(int log, const char *path, const char *before, const char *after)
{
	struct undo_record record = {.kind = UNDO_SYSCTL};

	snprintf(record.path, sizeof(record.path), "%s", path);
	snprintf(record.before, sizeof(record.before), "%s", before);
	snprintf(record.after, sizeof(record.after), "%s", after);
	return undo_note(log, &record);
}

int undo_note_directory(int log, const char *path)
{
	struct undo_record record = {.kind = UNDO_DIRECTORY};

	snprintf(record.path, sizeof(record.path), "%s", path);
	return undo_note(log, &record);
}

static int undo_links(const struct mac *mac)
{
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	err = link_delete_all(&nl, mac);
	if (err)
		netlink_report(&nl, err, "cannot delete the links of this run");
	netlink_close(&nl);
	return err;
}

static int undo_conntrack(const struct address *network)
{
	char text[ADDRESS_TEXT_MAX];
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_NETFILTER);

	if (err)
		return err;
	err = conntrack_forget(&nl, network);
	if (err)
		netlink_report(&nl, err, "cannot delete the conntrack entries of %s",
			       address_format_network(network, text));
	netlink_close(&nl);
	return err;
}

static int undo_sysctl(const struct undo_record *record)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(record->path, now);

	if (!err && strcmp(now, record->after) == 0)
		err = sysctl_write(record->path, record->before);
	if (!err || err == -ENOENT) /* its link is gone, and the parameter with it */
		return 0;
	return error_report(err, "cannot put %s back to %s", record->path, record->before);
}

static int undo_record_play(const struct undo_record *record)
{
	switch (record->kind) {
	case UNDO_LINKS:
		return undo_links(&record->mac);
	case UNDO_CONNTRACK:
		return undo_conntrack(&record->network);
	case UNDO_SYSCTL:
		return undo_sysctl(record);
	case UNDO_DIRECTORY:
		return directory_remove(record->path);
	}
	return -EINVAL;
}

/* Reads the whole log. Return: a string to free(), NULL with errno set. */
static char *undo_read(int log)
{
	size_t length = 0;
	struct stat st;
	char *text;

	if (fstat(log, &st) < 0)
		return NULL;
	if (st.st_size > UNDO_LOG_MAX) {
		errno = EFBIG;
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	while (length < (size_t)st.st_size) {
		ssize_t n = pread(log, text + length, (size_t)st.st_size - length, (off_t)length);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR) {
			free(text);
			return NULL;
		}
		length += n > 0 ? (size_t)n : 0;
	}
	text[length] = '\0';
	return text;
}

int undo_play(int log)
{
	char *text = undo_read(log);
	int err = 0;
	char *end;

	if (!text)
		return error_report(-errno, "cannot read the undo log");
	/* The change behind a torn last line was never made: a record is complete before it. */
	while ((end = strrchr(text, '\n'))) {
		struct undo_record record = {0};
		const char *line;
		int failed;

		*end = '\0';
		line = strrchr(text, '\n');
		if (!line) /* the header */
			break;
		if (!undo_parse(line + 1, &record)) {
			error_say(0, "undo log: skipping a line that is no record: %.80s",
				  line + 1);
			continue;
		}
		failed = undo_record_play(&record);
		if (failed && !err)
			err = failed;
	}
	free(text);
	return err;
}
