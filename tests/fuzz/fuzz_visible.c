// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_visible.c - foreign text for a terminal: every byte is in one piece, and none that a
 * terminal obeys is plain.
 */
#include "base/visible.h"
#include "fuzz.h"

enum { CUT_MAX = 32 };

static void check_piece(const char *text, struct visible_piece piece)
{
	char shown[VISIBLE_MAX];
	size_t length;

	if (piece.kind == VISIBLE_PLAIN)
		for (size_t i = 0; i < piece.length; i++) {
			unsigned char byte = (unsigned char)text[i];

			FUZZ_ASSERT((byte >= ' ' && byte != 0x7f) || byte == '\t');
			/* U+0080 to U+009F: the second set of control characters */
			FUZZ_ASSERT(byte != 0xc2 || i + 1 == piece.length ||
				    (unsigned char)text[i + 1] >= 0xa0);
		}
	if (piece.kind != VISIBLE_CONTROL)
		return;
	length = visible_format(text, piece.length, shown);
	FUZZ_ASSERT(length > 0 && length < VISIBLE_MAX && strlen(shown) == length);
	for (size_t i = 0; i < length; i++)
		FUZZ_ASSERT(shown[i] >= ' ' && shown[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	size_t cut = visible_cut(text, size);

	FUZZ_ASSERT(cut <= size && size - cut <= CUT_MAX);
	for (size_t at = 0; at < size;) {
		struct visible_piece piece = visible_next(text + at, size - at);

		FUZZ_ASSERT(piece.length > 0 && piece.length <= size - at);
		check_piece(text + at, piece);
		at += piece.length;
	}
	free(text);
	return 0;
}
