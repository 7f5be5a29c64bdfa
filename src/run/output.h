/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - what the copies print, line by line, onto one standard output.
 *
 * Nothing here blocks. If the reader stops reading, lines wait here. To keep the memory bounded,
 * the caller checks output_is_clear() before it reads more from a copy.
 *
 * What a copy prints may come from anybody who sends it a request. A terminal gets of it only
 * what it shows, and colours (visible.h); everything else gets every byte as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/stream.h"

/** The longest line that stays in one piece. */
enum { OUTPUT_LINE_MAX = 8192 };

struct output {
	struct stream stream;
	bool is_terminal;
	bool has_colour; /* of our own */
	/* NULL, or gets the lines of the copies instead of the stream. */
	void (*on_line)(void *data, unsigned int number, const char *text, size_t length);
	/* NULL, or gets them, too. */
	void (*on_output)(void *data, unsigned int number, const char *text, size_t length);
	void *data;
};

/** The unfinished line of a copy. All zeros: none. */
struct output_line {
	char *text; /* owned; NULL between two lines */
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
 * @line: its unfinished line, which is printed when it ends or is full
 */
void output_feed(struct output *output, unsigned int number, struct output_line *line,
		 const char *data, size_t length);

/** output_finish() - copy @number prints no more: print its unfinished line, and free it. */
void output_finish(struct output *output, unsigned int number, struct output_line *line);

/**
 * output_flush() - write as much as the reader takes now.
 * Return: 0 or -errno: nothing can be written any more.
 */
int output_flush(struct output *output);

/** output_is_clear() - has the reader taken everything, or can nothing be written any more? */
bool output_is_clear(const struct output *output);
