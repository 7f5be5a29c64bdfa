/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visible.h - text that somebody else has written, on its way to a terminal. Pure.
 *
 * A terminal obeys control characters: they move the cursor, set its title or the clipboard. What
 * is not to be obeyed is shown instead, as less(1) does. The text is taken for UTF-8.
 */
#pragma once

#include <stddef.h>

enum visible_kind {
	VISIBLE_PLAIN,  /* characters, and tabs */
	VISIBLE_COLOUR, /* ESC [ numbers m (SGR): from here on text has a colour, or is bold, ... */
	VISIBLE_RESET,  /* the same without a number other than 0: it is ordinary again */
	VISIBLE_CONTROL, /* a control character, or a byte that is no UTF-8: not to be written */
};

/** A piece of a text: as many plain characters as there are, or one of the others. */
struct visible_piece {
	enum visible_kind kind;
	size_t length;
};

/** visible_next() - the piece that a text of @length bytes, at least one, begins with. */
struct visible_piece visible_next(const char *text, size_t length);

/** Room for what visible_format() writes. */
enum { VISIBLE_MAX = 16 };

/**
 * visible_format() - show a piece of the kind VISIBLE_CONTROL
 * @shown: VISIBLE_MAX bytes. ESC becomes "^[" and DEL "^?"; the control characters from U+0080 on,
 *         "<U+009B>"; a byte that is no UTF-8, "<9B>"
 *
 * Return: the length of @shown.
 */
size_t visible_format(const char *text, size_t length, char *shown);

/**
 * visible_cut() - where to cut a text of which more may follow
 *
 * Return: @length, or as much less (32 bytes at most) as it takes to cut through no character and
 * no colour.
 */
size_t visible_cut(const char *text, size_t length);
