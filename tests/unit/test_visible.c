// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_visible.c - what a copy or a foreign process has written, as a terminal gets it: in lines of
 * the output, and in our own messages.
 */
#include "base/visible.h"

#include <locale.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <wchar.h>

#include "base/error.h"
#include "run/output.h"
#include "unit.h"

/* ---- Lines of a copy ---- */

enum { SHOWN_MAX = 1 << 20, PREFIX = 9 };

/* An output as on a terminal without colours of our own, into a file. */
static int terminal_open(struct output *output)
{
	int fd = memfd_create("terminal", MFD_CLOEXEC);

	assert_true(fd >= 0);
	output_open(output, fd);
	assert_false(output->is_terminal);
	output->is_terminal = true;
	return fd;
}

static size_t terminal_close(struct output *output, int fd, char *shown)
{
	struct stat st;

	assert_int_equal(output_flush(output), 0);
	output_close(output);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size < SHOWN_MAX);
	assert_int_equal(pread(fd, shown, SHOWN_MAX, 0), st.st_size);
	shown[st.st_size] = '\0';
	close(fd);
	return (size_t)st.st_size;
}

/* What is @text, fed in pieces below @largest bytes, on a terminal? */
static size_t show(const char *text, size_t length, struct random_stream *random, uint32_t largest,
		   char *shown)
{
	struct output_line line = {0};
	struct output output;
	int fd = terminal_open(&output);

	for (size_t at = 0, piece; at < length; at += piece) {
		piece = random ? random_below(random, largest) : length;
		piece = piece < length - at ? piece : length - at;
		output_feed(&output, 7, &line, text + at, piece);
	}
	output_finish(&output, 7, &line);
	return terminal_close(&output, fd, shown);
}

static void assert_shows(const char *text, const char *expected)
{
	static char shown[SHOWN_MAX];

	show(text, strlen(text), NULL, 0, shown);
	assert_memory_equal(shown, "copy 7 | ", PREFIX);
	assert_int_equal(strlen(shown), PREFIX + strlen(expected) + 1);
	assert_memory_equal(shown + PREFIX, expected, strlen(expected));
	assert_int_equal(shown[strlen(shown) - 1], '\n');
}

TEST(ordinary_text_is_as_it_was)
{
	assert_shows("GET /index.html?a=1~\tHTTP/1.1", "GET /index.html?a=1~\tHTTP/1.1");
	assert_shows("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0",
		     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0");
	assert_shows("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		     "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(control_characters_are_shown)
{
	assert_shows("\033]52;c;aGk=\a", "^[]52;c;aGk=^G");
	assert_shows("a\rb\bc\fd\ve\177f\001", "a^Mb^Hc^Ld^Ke^?f^A");
	assert_shows("\033[2J\033[1;1H\033c", "^[[2J^[[1;1H^[c");
	assert_shows("\xc2\x9b"
		     "31m \xc2\x80\xc2\x9f",
		     "<U+009B>31m <U+0080><U+009F>");
}

TEST(bytes_that_are_no_utf8_are_shown)
{
	assert_shows("\x9b"
		     "2J \xff \xc3",
		     "<9B>2J <FF> <C3>");
	assert_shows("\xc3(", "<C3>(");
	assert_shows("\xe2\x82", "<E2><82>");
	assert_shows("\xc0\x9b \xc1\xbf", "<C0><9B> <C1><BF>"); /* not the shortest form */
	assert_shows("\xe0\x82\x9b \xf0\x80\x82\x9b", "<E0><82><9B> <F0><80><82><9B>");
	assert_shows("\xed\xa0\x80", "<ED><A0><80>");                   /* a surrogate */
	assert_shows("\xf4\x90\x80\x80 \xf5", "<F4><90><80><80> <F5>"); /* above U+10FFFF */
	assert_shows("\xe2\033[2J\x82\xac", "<E2>^[[2J<82><AC>");
}

TEST(a_colour_passes_and_ends_with_its_line)
{
	assert_shows("\033[31mred", "\033[31mred\033[0m");
	assert_shows("\033[1;38;5;208mbold\033[0m plain", "\033[1;38;5;208mbold\033[0m plain");
	assert_shows("\033[mplain\033[00;0m", "\033[mplain\033[00;0m");
	assert_shows("\033[0;7minverse", "\033[0;7minverse\033[0m");
	assert_shows("a\033[31mb\033[mc\033[32m", "a\033[31mb\033[mc\033[32m\033[0m");
}

TEST(what_only_begins_like_a_colour_is_shown)
{
	assert_shows("\033[31", "^[[31");
	assert_shows("\033[", "^[[");
	assert_shows("\033", "^[");
	assert_shows("\033\033[1m", "^[\033[1m\033[0m");
	assert_shows("\033[?25l \033[31;1H \033[>4m \033[1 m", "^[[?25l ^[[31;1H ^[[>4m ^[[1 m");
	assert_shows("\033[0000000000000000000000000000001m",
		     "^[[0000000000000000000000000000001m");
}

TEST(a_zero_is_shown)
{
	static char shown[SHOWN_MAX];

	show("a\0b\n", 4, NULL, 0, shown);
	assert_string_equal(shown, "copy 7 | a^@b\n");
}

TEST(into_a_file_every_byte_passes)
{
	static char shown[SHOWN_MAX];
	char text[256], *expected;
	struct output_line line = {0};
	struct output output;
	int fd = terminal_open(&output);
	size_t length;

	output.is_terminal = false;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i == '\n' ? ' ' : i);
	output_feed(&output, 7, &line, text, sizeof(text));
	output_finish(&output, 7, &line);
	length = terminal_close(&output, fd, shown);
	assert_int_equal(length, PREFIX + sizeof(text) + 1);
	expected = shown + PREFIX;
	assert_memory_equal(expected, text, sizeof(text));
}

/* ---- Lines that are too long ---- */

/* A line of @length times 'x' and @special, somewhere around the longest. */
static void assert_not_cut(const char *special, const char *reset)
{
	static char text[2 * OUTPUT_LINE_MAX], shown[SHOWN_MAX];
	size_t size = strlen(special);

	for (size_t before = OUTPUT_LINE_MAX - 40; before < OUTPUT_LINE_MAX + 2; before++) {
		const char *found;

		memset(text, 'x', sizeof(text));
		for (size_t i = 0; i < size; i++)
			text[before + i] = special[i];
		show(text, OUTPUT_LINE_MAX + 100, NULL, 0, shown);
		found = strstr(shown, special);
		assert_non_null(found);
		assert_null(strstr(shown, "<"));
		assert_null(strstr(shown, "^"));
		/* on whichever line it is, the colour ends there */
		found = strchr(found, '\n');
		assert_memory_equal(found - strlen(reset), reset, strlen(reset));
	}
}

TEST(where_a_long_line_is_cut_no_character_and_no_colour_is)
{
	assert_not_cut("\xc3\xbc", "");
	assert_not_cut("\xe2\x82\xac", "");
	assert_not_cut("\xf0\x9f\x98\x80", "");
	assert_not_cut("\033[1m", "\033[0m");
	assert_not_cut("\033[1;38;2;100;200;255m", "\033[0m");
}

/* ---- Any bytes, in any pieces ---- */

static size_t text_random(struct random_stream *random, char *text, size_t size)
{
	static const char *const parts[] = {
		"\033",     "\033[",    "\033[3", "\033[31m", "\033[0m", "[",    ";",
		"m",        "0",        "1;",     "\xc2",     "\x9b",    "\x80", "\xc2\x9b",
		"\xc3\xbc", "\xe2\x82", "\xac",   "\xf0\x9f", "\n",      "\t",   "\r",
	};
	size_t length = 0;

	while (length < size - OUTPUT_LINE_MAX - 8) {
		uint32_t kind = random_below(random, 200);

		if (kind == 0) { /* a line that is too long, or nearly so */
			size_t run = OUTPUT_LINE_MAX - random_below(random, 64);

			memset(text + length, 'x', run);
			length += run;
		} else if (kind < 150) {
			const char *part = parts[random_below(random, COUNT(parts))];

			length = (size_t)(stpcpy(text + length, part) - text);
		} else {
			text[length++] = (char)random_next(random);
		}
	}
	return length;
}

/* What is left for a terminal to obey? Written without visible.c; mbstowcs(3) knows UTF-8. */
static void assert_harmless(const char *shown, size_t length)
{
	bool is_coloured = false;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)shown[i];

		if (c == '\033') {
			size_t size = strspn(shown + i + 2, "0123456789;");

			assert_int_equal(shown[i + 1], '[');
			assert_int_equal(shown[i + 2 + size], 'm');
			is_coloured = strspn(shown + i + 2, "0;") != size;
		} else if (c == '\n') {
			assert_false(is_coloured);
		} else {
			assert_true(c >= ' ' || c == '\t');
			assert_int_not_equal(c, 0x7f);
			assert_false(c == 0xc2 && (unsigned char)shown[i + 1] < 0xa0);
		}
	}
}

TEST(any_bytes_in_any_pieces_are_harmless_and_the_same)
{
	enum { SIZE = 60000 };
	struct random_stream random = random_start();
	static char text[SIZE], whole[SHOWN_MAX], pieces[SHOWN_MAX];
	static wchar_t wide[SHOWN_MAX];

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (int round = 0; round < 60; round++) {
		size_t length = text_random(&random, text, SIZE);
		size_t shown = show(text, length, NULL, 0, whole);

		assert_harmless(whole, shown);
		assert_int_equal(strlen(whole), shown);
		assert_int_not_equal(mbstowcs(wide, whole, SHOWN_MAX), (size_t)-1);
		assert_int_equal(
			show(text, length, &random, 2 + random_below(&random, 5000), pieces),
			shown);
		assert_memory_equal(pieces, whole, shown);
	}
}

/* ---- Our own messages ---- */

static void keep_line(void *data, const char *line, size_t length)
{
	memcpy(data, line, length);
	((char *)data)[length] = '\0';
}

TEST(a_message_with_foreign_text_is_harmless)
{
	static char line[8192];
	const char *said;

	error_redirect(keep_line, line);
	error_say(0, "port in use by %s",
		  "a\033[31m\xc2\x9b"
		  "31m\x9b\t\177\xc3\xbc\xe2\x82");
	error_redirect(NULL, NULL);
	said = strstr(line, "in use by ");
	assert_non_null(said);
	assert_string_equal(said, "in use by a?????"
				  "??31m???\xc3\xbc??\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_text_is_as_it_was),
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(bytes_that_are_no_utf8_are_shown),
		cmocka_unit_test(a_colour_passes_and_ends_with_its_line),
		cmocka_unit_test(what_only_begins_like_a_colour_is_shown),
		cmocka_unit_test(a_zero_is_shown),
		cmocka_unit_test(into_a_file_every_byte_passes),
		cmocka_unit_test(where_a_long_line_is_cut_no_character_and_no_colour_is),
		cmocka_unit_test(any_bytes_in_any_pieces_are_harmless_and_the_same),
		cmocka_unit_test(a_message_with_foreign_text_is_harmless),
	};

	return cmocka_run_group_tests_name("visible", tests, NULL, NULL);
}
