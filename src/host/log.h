/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - the file of an undo log. A record is added before the change that it undoes is made, and
 * removed when that change is gone.
 *
 * It is a write-ahead log: whenever and however the writer is killed, the file names every change
 * that can exist. A line is a record with its number before it:
 *
 *	uva_container undo log 2
 *	1 conntrack 10.90.0.0/24 fd00::/64
 *	#2 directory /home/user/copies/1/tmp/project
 *	3 links 02:5e:10:00:53:01
 *
 * The numbers tell the order in which the changes were made. A line that begins with # is void. Its
 * room is used again, so that the file stays as small as what there is to undo.
 *
 * A change of the file becomes valid by its last byte: the first one of a line that is used again,
 * the newline of one that is appended. A writer that is killed leaves a record or none, never half
 *of one.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "host/record.h"

/** The first line of every log. */
extern const char LOG_HEADER[];

/** Room in the file that a new record can use. */
struct log_hole {
	off_t offset;
	size_t length;
};

/** The writer's side of a log. There is one writer: the manager. */
struct log {
	int fd;                 /* -1: none */
	unsigned int next;      /* number of the next record */
	off_t end;              /* length of the file */
	struct log_hole *holes; /* void lines, @hole_count of them; owned */
	size_t hole_count;
};

/** No log. Start with this value: log_close() is then always safe. */
#define LOG_NONE ((struct log){.fd = -1})

/** Where a record is in the log. Its writer keeps this, to remove the record with log_retire(). */
struct log_entry {
	off_t offset; /* 0: no record: log_retire() does nothing */
	size_t length;
};

/** log_open() - begin to write to a log that contains only its header. @fd: owned from now on. */
void log_open(struct log *log, int fd);

/** log_close() - close the descriptor. The file stays. Safe to repeat. */
void log_close(struct log *log);

/**
 * log_note() - add a record to the log, before its change is made
 * @ret: for log_retire(); NULL: the record stays as long as the run
 *
 * Return: 0 or -errno, reported.
 */
int log_note(struct log *log, const struct record *record, struct log_entry *ret);

/**
 * log_retire() - remove a record from the log, after the change that it undoes is gone
 * @entry: no record afterwards
 *
 * If this fails, the record stays. That does no harm: to undo a change that is gone is no error.
 */
void log_retire(struct log *log, struct log_entry *entry);

/* ---- Reading: to undo, and for other runs ---- */

/** A record as it was found in a file. */
struct log_record {
	unsigned int number;
	off_t offset; /* for log_void() */
	struct record record;
};

/**
 * log_read() - read all valid records of a log, the newest first
 * @cb:   called for each record; a return value other than 0 ends the reading
 * @junk: called for each line that is neither void nor a record; NULL: skip it silently
 *
 * Return: what @cb returned last, or -errno.
 */
int log_read(int fd, int (*cb)(const struct log_record *record, void *data),
	     void (*junk)(const char *line), void *data);

/** log_void() - remove a record that log_read() found at @offset. Return: 0 or -errno. */
int log_void(int fd, off_t offset);

/**
 * log_find_link() - is there such a record of a link: RECORD_UPLINK, RECORD_LRO?
 * Return: 1: yes; 0; or -errno.
 */
int log_find_link(int fd, const struct record *wanted);
