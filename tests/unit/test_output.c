// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_output.c - what copies print as whole lines with the copy's number before each, whatever
 * pieces it arrives in.
 */
#include "run/output.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "unit.h"

static void feed(struct output *output, unsigned int number, struct output_line *line,
		 const char *text)
{
	output_feed(output, number, line, text, strlen(text));
}

/* A file takes everything at once. */
static int file_open(struct output *output)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	assert_true(fd >= 0);
	output_open(output, fd);
	return fd;
}

/* Flushes, and closes both. Return: all that was written, to free(). */
static char *file_close(struct output *output, int fd, size_t *ret_length)
{
	struct stat st;
	char *text;

	assert_int_equal(output_flush(output), 0);
	assert_true(output_is_clear(output));
	output_close(output);
	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	if (ret_length)
		*ret_length = (size_t)st.st_size;
	return text;
}

static void assert_file(struct output *output, int fd, const char *expected)
{
	char *text = file_close(output, fd, NULL);

	assert_string_equal(text, expected);
	free(text);
}

TEST(a_line_tells_its_copy)
{
	struct output_line line = {0};
	struct output output;
	int fd = file_open(&output);

	feed(&output, 1, &line, "hello\n");
	feed(&output, 1023, &line, "world\n");
	assert_file(&output, fd, "copy 1 | hello\ncopy 1023 | world\n");
}

TEST(lines_of_one_piece_come_apart)
{
	struct output_line line = {0};
	struct output output;
	int fd = file_open(&output);

	feed(&output, 2, &line, "a\n\nb\n\n\n");
	assert_file(&output, fd, "copy 2 | a\ncopy 2 | \ncopy 2 | b\ncopy 2 | \ncopy 2 | \n");
}

TEST(a_line_in_pieces_stays_one)
{
	struct output_line line = {0};
	struct output output;
	int fd = file_open(&output);

	feed(&output, 1, &line, "one ");
	feed(&output, 1, &line, "");
	feed(&output, 1, &line, "line");
	assert_true(output_is_clear(&output));
	feed(&output, 1, &line, "\nand");
	feed(&output, 1, &line, " more\n");
	assert_file(&output, fd, "copy 1 | one line\ncopy 1 | and more\n");
}

TEST(lines_of_two_copies_do_not_mix)
{
	struct output_line first = {0}, second = {0};
	struct output output;
	int fd = file_open(&output);

	feed(&output, 1, &first, "aaa");
	feed(&output, 2, &second, "bbb");
	output_print(&output, "%d%% ready", 100);
	feed(&output, 2, &second, "\n");
	feed(&output, 1, &first, "\n");
	assert_file(&output, fd, "100% ready\ncopy 2 | bbb\ncopy 1 | aaa\n");
}

TEST(an_unfinished_line_comes_at_the_end)
{
	struct output_line line = {0};
	struct output output;
	int fd = file_open(&output);

	output_finish(&output, 1, &line);
	feed(&output, 1, &line, "a\nunfinished");
	output_finish(&output, 1, &line);
	output_finish(&output, 1, &line);
	assert_file(&output, fd, "copy 1 | a\ncopy 1 | unfinished\n");
}

TEST(zeros_are_bytes_like_any_other)
{
	static const char expected[] = "copy 1 | a\0b\n";
	struct output_line line = {0};
	struct output output;
	int fd = file_open(&output);
	size_t length;
	char *text;

	output_feed(&output, 1, &line, "a\0b\n", 4);
	text = file_close(&output, fd, &length);
	assert_int_equal(length, sizeof(expected) - 1);
	assert_memory_equal(text, expected, length);
	free(text);
}

/* A line of @length bytes comes out in pieces of OUTPUT_LINE_MAX. */
static void assert_long_line(size_t length, size_t chunk, bool finished)
{
	char *data = malloc(length + 1), *text, *at;
	struct output_line line = {0};
	struct output output;
	int fd = file_open(&output);

	assert_non_null(data);
	memset(data, 'x', length);
	data[length] = '\n';
	for (size_t sent = 0, total = length + finished; sent < total; sent += chunk)
		output_feed(&output, 1, &line, data + sent,
			    total - sent < chunk ? total - sent : chunk);
	output_finish(&output, 1, &line);
	at = text = file_close(&output, fd, NULL);
	while (length > 0) {
		size_t piece = length < OUTPUT_LINE_MAX ? length : OUTPUT_LINE_MAX;

		assert_memory_equal(at, "copy 1 | ", 9);
		assert_int_equal(strspn(at + 9, "x"), piece);
		assert_int_equal(at[9 + piece], '\n');
		at += 9 + piece + 1;
		length -= piece;
	}
	assert_string_equal(at, "");
	free(data);
	free(text);
}

TEST(the_longest_line_stays_in_one_piece_and_a_longer_one_does_not)
{
	static const size_t chunks[] = {1, 4096, 8191, 8192, 8193, 1 << 20};

	for (size_t i = 0; i < COUNT(chunks); i++)
		for (int finished = 0; finished < 2; finished++) {
			assert_long_line(OUTPUT_LINE_MAX - 1, chunks[i], finished);
			assert_long_line(OUTPUT_LINE_MAX, chunks[i], finished);
			assert_long_line(OUTPUT_LINE_MAX + 1, chunks[i], finished);
			assert_long_line((size_t)2 * OUTPUT_LINE_MAX, chunks[i], finished);
			assert_long_line((size_t)2 * OUTPUT_LINE_MAX + 7, chunks[i], finished);
		}
}

TEST(a_line_of_our_own_that_is_too_long_ends_all_the_same)
{
	static char data[2 * OUTPUT_LINE_MAX];
	char *text;
	struct output output;
	int fd = file_open(&output);

	memset(data, 'x', sizeof(data) - 1);
	output_print(&output, "%s", data);
	output_print(&output, "next");
	text = file_close(&output, fd, NULL);
	assert_string_equal(strchr(text, '\n'), "\nnext\n");
	assert_in_range(strcspn(text, "\n"), OUTPUT_LINE_MAX - 1, OUTPUT_LINE_MAX);
	free(text);
}

/* ---- Any pieces give the same as whole lines do ---- */

/* Text of lines of all lengths, now and then one around the longest. Return: its length. */
static size_t text_random(struct random_stream *random, char *text, size_t size)
{
	size_t length = 0;

	while (length < size) {
		uint32_t kind = random_below(random, 8);
		size_t run = kind == 0   ? OUTPUT_LINE_MAX - 2 + random_below(random, 5)
			     : kind == 1 ? random_below(random, 3 * OUTPUT_LINE_MAX)
			     : kind == 2 ? 0
					 : random_below(random, 100);

		for (; run > 0 && length < size; run--)
			text[length++] = (char)('a' + random_below(random, 26));
		if (length < size)
			text[length++] = '\n';
	}
	return size - random_below(random, 2); /* the last line ends, or not */
}

/* The expectation: every line by itself, those too long cut. Return: the length. */
static size_t expect_lines(const char *text, size_t length, char *expected)
{
	char *out = expected;

	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t rest = newline ? (size_t)(newline - text) : length;
		size_t piece = rest < OUTPUT_LINE_MAX ? rest : OUTPUT_LINE_MAX;
		bool ends = newline && piece == rest;

		out = mempcpy(out, "copy 7 | ", 9);
		out = mempcpy(out, text, piece);
		*out++ = '\n';
		text += piece + ends;
		length -= piece + ends;
	}
	return (size_t)(out - expected);
}

TEST(any_pieces_give_the_same_lines)
{
	enum { SIZE = 60000 };
	struct random_stream random = random_start();
	static char text[SIZE], expected[11 * SIZE];

	for (int round = 0; round < 200; round++) {
		size_t length = text_random(&random, text, SIZE), expected_length, got_length;
		uint32_t largest = 1 + random_below(&random, round % 2 ? 20000 : 50);
		struct output_line line = {0};
		struct output output;
		int fd = file_open(&output);
		char *got;

		for (size_t at = 0, piece; at < length; at += piece) {
			piece = random_below(&random, largest + 1);
			piece = piece < length - at ? piece : length - at;
			output_feed(&output, 7, &line, text + at, piece);
		}
		output_finish(&output, 7, &line);
		got = file_close(&output, fd, &got_length);
		expected_length = expect_lines(text, length, expected);
		assert_int_equal(got_length, expected_length);
		assert_memory_equal(got, expected, expected_length);
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_tells_its_copy),
		cmocka_unit_test(lines_of_one_piece_come_apart),
		cmocka_unit_test(a_line_in_pieces_stays_one),
		cmocka_unit_test(lines_of_two_copies_do_not_mix),
		cmocka_unit_test(an_unfinished_line_comes_at_the_end),
		cmocka_unit_test(zeros_are_bytes_like_any_other),
		cmocka_unit_test(the_longest_line_stays_in_one_piece_and_a_longer_one_does_not),
		cmocka_unit_test(a_line_of_our_own_that_is_too_long_ends_all_the_same),
		cmocka_unit_test(any_pieces_give_the_same_lines),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
