// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * output.c - lines and their prefixes.
 */
#include "run/output.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/visible.h"

#define OUTPUT_RESET "\033[0m"

enum { OUTPUT_FIRST_COLOUR = 31, OUTPUT_COLOURS = 6, OUTPUT_PREFIX_MAX = 48 };

void output_open(struct output *output, int fd)
{
	const char *no_colour = getenv("NO_COLOR"); /* no-color.org */

	*output = (struct output){.is_terminal = isatty(fd)};
	stream_open(&output->stream, fd, SIZE_MAX);
	output->has_colour = output->is_terminal && (!no_colour || !*no_colour);
}

void output_close(struct output *output)
{
	stream_close(&output->stream);
}

void output_print(struct output *output, const char *fmt, ...)
{
	char text[OUTPUT_LINE_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		stream_add(&output->stream, text,
			   (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	stream_add(&output->stream, "\n", 1);
}

static void output_add_visible(struct output *output, const char *text, size_t length)
{
	bool is_coloured = false;
	char shown[VISIBLE_MAX];

	while (length > 0) {
		struct visible_piece piece = visible_next(text, length);

		if (piece.kind == VISIBLE_CONTROL)
			stream_add(&output->stream, shown,
				   visible_format(text, piece.length, shown));
		else
			stream_add(&output->stream, text, piece.length);
		if (piece.kind == VISIBLE_COLOUR || piece.kind == VISIBLE_RESET)
			is_coloured = piece.kind == VISIBLE_COLOUR;
		text += piece.length;
		length -= piece.length;
	}
	if (is_coloured)
		stream_add(&output->stream, OUTPUT_RESET, strlen(OUTPUT_RESET));
}

static void output_send(struct output *output, unsigned int number, const char *text, size_t length)
{
	char prefix[OUTPUT_PREFIX_MAX];
	int n;

	if (output->on_output)
		output->on_output(output->data, number, text, length);
	if (output->on_line) {
		output->on_line(output->data, number, text, length);
		return;
	}
	if (output->has_colour)
		n = snprintf(prefix, sizeof(prefix), "\033[%umcopy %u |" OUTPUT_RESET " ",
			     OUTPUT_FIRST_COLOUR + number % OUTPUT_COLOURS, number);
	else
		n = snprintf(prefix, sizeof(prefix), "copy %u | ", number);
	stream_add(&output->stream, prefix, (size_t)n);
	if (output->is_terminal)
		output_add_visible(output, text, length);
	else
		stream_add(&output->stream, text, length);
	stream_add(&output->stream, "\n", 1);
}

static void output_line_free(struct output_line *line)
{
	free(line->text);
	*line = (struct output_line){0};
}

static void output_send_line(struct output *output, unsigned int number, struct output_line *line)
{
	output_send(output, number, line->text, line->length);
	output_line_free(line);
}

/*
 * The line is longer than it may be. What a terminal must get in one piece is kept for the next
 * one, and so is the memory.
 */
static void output_send_head(struct output *output, unsigned int number, struct output_line *line)
{
	size_t cut = line->length;

	if (output->is_terminal)
		cut = visible_cut(line->text, line->length);
	output_send(output, number, line->text, cut);
	line->length -= cut;
	if (line->length > 0)
		memmove(line->text, line->text + cut, line->length);
}

/* Without memory, a part of a line is lost, which is better than ending the run. */
static void output_line_add(struct output_line *line, const char *data, size_t length)
{
	if (line->size - line->length < length) {
		size_t size = 2 * (line->length + length);
		char *grown;

		size = size < OUTPUT_LINE_MAX ? size : OUTPUT_LINE_MAX;
		grown = realloc(line->text, size);
		if (!grown)
			return;
		line->text = grown;
		line->size = size;
	}
	if (length)
		memcpy(line->text + line->length, data, length);
	line->length += length;
}

void output_feed(struct output *output, unsigned int number, struct output_line *line,
		 const char *data, size_t length)
{
	while (length > 0) {
		const char *newline = memchr(data, '\n', length);
		size_t part = newline ? (size_t)(newline - data) : length;
		size_t room = OUTPUT_LINE_MAX - line->length;
		bool is_full = part > room;
		bool is_whole = newline && !is_full;

		part = is_full ? room : part;
		if (is_whole && line->length == 0) {
			output_send(output, number, data, part); /* nothing to keep */
		} else {
			output_line_add(line, data, part);
			if (is_full)
				output_send_head(output, number, line);
			else if (is_whole)
				output_send_line(output, number, line);
		}
		part += is_whole;
		data += part;
		length -= part;
	}
}

void output_finish(struct output *output, unsigned int number, struct output_line *line)
{
	if (line->length > 0)
		output_send_line(output, number, line);
	output_line_free(line);
}

int output_flush(struct output *output)
{
	return stream_flush(&output->stream);
}

bool output_is_clear(const struct output *output)
{
	return stream_is_clear(&output->stream);
}
