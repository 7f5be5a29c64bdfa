/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - what the copies print, line by line, onto one standard output.
 *
 * Nothing here blocks, and memory is bounded: a reader that stops reading makes lines wait here,
 * and whoever feeds us is expected to look at output_is_clear() before it reads more from a copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** The longest line that stays in one piece. */
enum { OUTPUT_LINE_MAX = 8192 };

struct output {
	int fd;
	bool owned;  /* opened by us, to be closed */
	bool socket; /* takes send(2) */
	bool colour;
	char *pending; /* what the reader has not taken yet */
	size_t length, size;
	int err; /* -EPIPE: the reader is gone for good */
};

/** The line that a copy is in the middle of. */
struct output_line {
	size_t length;
	char text[OUTPUT_LINE_MAX];
};

/**
 * output_open() - use a descriptor without ever blocking on it
 * @fd: such as STDOUT_FILENO; stays the caller's. Its file status flags are left alone, since other
 *      processes share them.
 */
void output_open(struct output *output, int fd);

/** output_close() - free the memory. What is pending is lost. Safe to repeat. */
void output_close(struct output *output);

/** output_print() - add a line of our own. */
void output_print(struct output *output, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * output_feed() - add what copy @number has printed
 * @line: its unfinished line. It is sent on when it ends, or when it is full.
 */
void output_feed(struct output *output, unsigned int number, struct output_line *line,
		 const char *data, size_t length);

/** output_finish() - copy @number prints no more: send its unfinished line on. */
void output_finish(struct output *output, unsigned int number, struct output_line *line);

/**
 * output_flush() - write as much as the reader takes now
 * Return: 0, or the negative errno with which writing failed for good; not reported.
 */
int output_flush(struct output *output);

/** output_is_clear() - has the reader taken everything? */
bool output_is_clear(const struct output *output);
