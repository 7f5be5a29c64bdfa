// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * visible.c - control characters and UTF-8.
 */
#include "base/visible.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	VISIBLE_COLOUR_MAX = 32, /* bytes; a longer one is shown: terminals have their limits too */
	VISIBLE_UTF8_MAX = 4,
	VISIBLE_ESC = 0x1b,
	VISIBLE_DEL = 0x7f,
};

/* Bytes of the character that begins with @lead; 0: none does. */
static size_t visible_utf8_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/*
 * The length of the UTF-8 character that @text begins with; 0: it does not begin with one. RFC
 * 3629: the shortest form only, no surrogates, nothing above U+10FFFF.
 */
static size_t visible_character(const uint8_t *text, size_t length)
{
	size_t size = visible_utf8_length(text[0]);

	if (size == 0 || size > length)
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return size;
}

/* The same, and it is one that a terminal only shows. */
static size_t visible_plain(const uint8_t *text, size_t length)
{
	size_t size = visible_character(text, length);
	bool is_c0 = size == 1 && text[0] != '\t' && (text[0] < ' ' || text[0] == VISIBLE_DEL);
	bool is_c1 = size == 2 && text[0] == 0xc2 && text[1] < 0xa0;

	return is_c0 || is_c1 ? 0 : size;
}

/* ESC [ 1 ; 31 m: how much of it does @text begin with, without the m? 0: nothing. */
static size_t visible_colour(const char *text, size_t length)
{
	size_t size = 2;

	if (length < 1 || text[0] != VISIBLE_ESC || (length > 1 && text[1] != '['))
		return 0;
	while (size < length && (text[size] == ';' || (text[size] >= '0' && text[size] <= '9')))
		size++;
	return size < length ? size : length;
}

struct visible_piece visible_next(const char *text, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t size = visible_colour(text, length), more;

	if (size > 0 && size < length && size < VISIBLE_COLOUR_MAX && text[size] == 'm') {
		bool is_reset = strspn(text + 2, "0;") == size - 2;

		return (struct visible_piece){is_reset ? VISIBLE_RESET : VISIBLE_COLOUR, size + 1};
	}
	for (size = 0; size < length; size += more) {
		more = visible_plain(bytes + size, length - size);
		if (more == 0)
			break;
	}
	if (size > 0)
		return (struct visible_piece){VISIBLE_PLAIN, size};
	size = visible_character(bytes, length);
	return (struct visible_piece){VISIBLE_CONTROL, size ? size : 1};
}

size_t visible_format(const char *text, size_t length, char *shown)
{
	uint8_t last = (uint8_t)text[length - 1];
	int n;

	if (length > 1)
		n = snprintf(shown, VISIBLE_MAX, "<U+%04X>", last);
	else if (last < 0x80)
		n = snprintf(shown, VISIBLE_MAX, "^%c", last ^ 0x40);
	else
		n = snprintf(shown, VISIBLE_MAX, "<%02X>", last);
	return (size_t)n;
}

size_t visible_cut(const char *text, size_t length)
{
	size_t most = length < VISIBLE_COLOUR_MAX ? length : VISIBLE_COLOUR_MAX;

	for (size_t back = 1; back <= most; back++) {
		const char *tail = text + length - back;

		if (back < VISIBLE_UTF8_MAX && visible_utf8_length((uint8_t)*tail) > back)
			return length - back;
		if (visible_colour(tail, back) == back)
			return length - back;
	}
	return length;
}
