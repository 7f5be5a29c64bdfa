// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log.c - lines in a file: where a record is written, and which of its bytes first.
 */
#include "host/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	LOG_MAX = 16 << 20,
	LOG_NUMBER_MAX = 16, /* "4294967295 " */
};

const char LOG_HEADER[] = "uva_container undo log 2\n";

void log_open(struct log *log, int fd)
{
	*log = (struct log){.fd = fd, .next = 1, .end = (off_t)strlen(LOG_HEADER)};
}

void log_close(struct log *log)
{
	fd_close(&log->fd);
	free(log->holes);
	log->holes = NULL;
	log->hole_count = 0;
}

/* ---- Writing ---- */

static int log_write(int fd, const char *data, size_t length, off_t offset)
{
	ssize_t n;

	do
		n = pwrite(fd, data, length, offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)length ? 0 : -ENOSPC;
}

/* Writes a line at the end of the file. Until its newline is written, it is not a line yet. */
static int log_append(struct log *log, const char *line, size_t length)
{
	int err = log_write(log->fd, line, length, log->end);

	if (err) {
		/*
		 * A part of the line may be in the file. It must not become the beginning of the
		 * next line.
		 */
		if (ftruncate(log->fd, log->end) < 0)
			return -errno;
		return err;
	}
	log->end += (off_t)length;
	return 0;
}

/*
 * Writes a line into a hole. Its first byte is written last: until then the line stays void. What
 * is left of the hole becomes a void line of its own.
 */
static int log_fill(struct log *log, struct log_hole *hole, const char *line, size_t length)
{
	off_t offset = hole->offset;
	size_t rest = hole->length - length;
	int err = rest > 0 ? log_write(log->fd, "#", 1, offset + (off_t)length) : 0;

	if (err)
		return err;
	err = log_write(log->fd, line + 1, length - 1, offset + 1);
	if (err)
		return err;
	err = log_write(log->fd, line, 1, offset);
	if (err)
		return err;
	hole->offset += (off_t)length;
	hole->length = rest;
	if (rest == 0)
		*hole = log->holes[--log->hole_count];
	return 0;
}

/*
 * The rest of a hole must have room for a # and a newline: a rest of a single byte would be the
 * newline alone.
 */
static struct log_hole *log_find_hole(struct log *log, size_t length)
{
	for (size_t i = 0; i < log->hole_count; i++)
		if (log->holes[i].length == length || log->holes[i].length > length + 1)
			return &log->holes[i];
	return NULL;
}

int log_note(struct log *log, const struct record *record, struct log_entry *ret)
{
	char line[LOG_NUMBER_MAX + RECORD_LINE_MAX];
	int number = snprintf(line, LOG_NUMBER_MAX, "%u ", log->next);
	struct log_hole *hole;
	struct log_entry entry;
	size_t length;
	int err;

	record_format(record, line + number);
	length = strlen(line);
	if (log->end + (off_t)length > LOG_MAX) /* nobody would read it again */
		return error_report(-EFBIG, "cannot write the undo log");
	hole = log_find_hole(log, length);
	entry = (struct log_entry){hole ? hole->offset : log->end, length};
	err = hole ? log_fill(log, hole, line, length) : log_append(log, line, length);
	if (err)
		return error_report(err, "cannot write the undo log");
	log->next++;
	if (ret)
		*ret = entry;
	return 0;
}

/*
 * Adds a hole. Joins it with the holes right before and right behind it. At the end of the file,
 * the hole is cut off.
 */
static void log_add_hole(struct log *log, struct log_hole hole)
{
	struct log_hole *grown;

	for (size_t i = 0; i < log->hole_count;) {
		struct log_hole *other = &log->holes[i];

		if (other->offset + (off_t)other->length == hole.offset) {
			hole.offset = other->offset;
			hole.length += other->length;
		} else if (hole.offset + (off_t)hole.length == other->offset) {
			hole.length += other->length;
		} else {
			i++;
			continue;
		}
		*other = log->holes[--log->hole_count];
	}
	if (hole.offset + (off_t)hole.length == log->end && ftruncate(log->fd, hole.offset) == 0) {
		log->end = hole.offset;
		return;
	}
	grown = reallocarray(log->holes, log->hole_count + 1, sizeof(*grown));
	if (!grown) /* only the room is lost */
		return;
	log->holes = grown;
	log->holes[log->hole_count++] = hole;
}

void log_retire(struct log *log, struct log_entry *entry)
{
	if (entry->offset && log_void(log->fd, entry->offset) == 0)
		log_add_hole(log, (struct log_hole){entry->offset, entry->length});
	*entry = (struct log_entry){0};
}

int log_void(int fd, off_t offset)
{
	return log_write(fd, "#", 1, offset);
}

/* ---- Reading ---- */

/* Return: the whole text, to free(), or NULL with errno set. */
static char *log_read_text(int fd)
{
	size_t length = 0;
	struct stat st;
	char *text;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (st.st_size > LOG_MAX) {
		errno = EFBIG;
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	while (length < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + length, (size_t)st.st_size - length, (off_t)length);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR) {
			free(text);
			return NULL;
		}
		length += n > 0 ? (size_t)n : 0;
	}
	/*
	 * No record contains a zero byte. If the file does, only the line with the zero must be
	 * spoilt.
	 */
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] ? text[i] : '?';
	text[length] = '\0';
	return text;
}

/*
 * Reads the number before the record, as log_note() writes it. Return: the text behind the number,
 * or NULL.
 */
static const char *log_parse_number(const char *line, unsigned int *ret)
{
	char again[LOG_NUMBER_MAX];
	size_t length;

	*ret = (unsigned int)strtoul(line, NULL, 10);
	length = (size_t)snprintf(again, sizeof(again), "%u ", *ret);
	return strncmp(line, again, length) == 0 ? line + length : NULL;
}

/* A line before it is parsed. These are sorted, and not the records, because a record is large. */
struct log_line {
	unsigned int number;
	const char *text;
	const char *record;
};

static int log_compare(const void *a, const void *b)
{
	const struct log_line *x = a, *y = b;

	return (x->number < y->number) - (x->number > y->number);
}

/* Lists the lines of @text that may be records, the newest first. Return: their number. */
static size_t log_list(char *text, struct log_line *lines, void (*junk)(const char *line))
{
	size_t count = 0;
	char *line = text, *end;
	bool is_header = true;

	/*
	 * A last line without a newline is skipped. Its change was never made, because a change
	 * begins only when its record is complete.
	 */
	for (; (end = strchr(line, '\n')); line = end + 1, is_header = false) {
		struct log_line *found = &lines[count];

		*end = '\0';
		if (is_header || *line == '#')
			continue;
		found->text = line;
		found->record = log_parse_number(line, &found->number);
		if (found->record)
			count++;
		else if (junk)
			junk(line);
	}
	qsort(lines, count, sizeof(*lines), log_compare);
	return count;
}

static size_t log_count_lines(const char *text)
{
	size_t count = 1;

	while ((text = strchr(text, '\n'))) {
		count++;
		text++;
	}
	return count;
}

static int log_hand_out(const char *text, const struct log_line *line,
			int (*cb)(const struct log_record *record, void *data),
			void (*junk)(const char *line), void *data)
{
	struct log_record found = {.number = line->number, .offset = line->text - text};

	if (record_parse(line->record, &found.record))
		return cb(&found, data);
	if (junk)
		junk(line->text);
	return 0;
}

int log_read(int fd, int (*cb)(const struct log_record *record, void *data),
	     void (*junk)(const char *line), void *data)
{
	char *text = log_read_text(fd);
	struct log_line *lines = text ? calloc(log_count_lines(text), sizeof(*lines)) : NULL;
	int result = text ? -ENOMEM : -errno;

	if (lines) {
		size_t count = log_list(text, lines, junk);

		result = 0;
		for (size_t i = 0; !result && i < count; i++)
			result = log_hand_out(text, &lines[i], cb, junk, data);
	}
	free(lines);
	free(text);
	return result;
}

static int log_match_link(const struct log_record *found, void *data)
{
	const struct record *wanted = data;

	return found->record.kind == wanted->kind && found->record.family == wanted->family &&
	       found->record.ifindex == wanted->ifindex;
}

int log_find_link(int fd, const struct record *wanted)
{
	struct record copy = *wanted;

	return log_read(fd, log_match_link, NULL, &copy);
}
