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

#include "base/stream.h"

/** The longest line that stays in one piece. */
enum { OUTPUT_LINE_MAX = 8192 };

struct output {
	struct stream stream;
	bool has_colour;
};

/** The line that a copy is in the middle of. Zeros: none. */
struct output_line {
	char *text; /* owned; there is none between two lines */
	size_t length, size;
};

/** output_open() - write to a descriptor, such as STDOUT_FILENO (stream_open()). */
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

/** output_finish() - copy @number prints no more: send its unfinished line on, and free it. */
void output_finish(struct output *output, unsigned int number, struct output_line *line);

/** output_flush() - write as much as the reader takes now. Return: 0, or why it failed for good. */
int output_flush(struct output *output);

/** output_is_clear() - has the reader taken everything, or is it gone? */
bool output_is_clear(const struct output *output);
