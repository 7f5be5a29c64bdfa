// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_ring.c - the last lines of copies: which are kept, and who reads them.
 */
#include <string.h>

#include "portmux/printed.h"
#include "unit.h"

enum { LINE_MAX_BYTES = 8192 };

static void add(struct ring *ring, uint64_t number, const char *text, size_t limit)
{
	const struct ring_line line = {.number = number, .length = strlen(text)};

	ring_add(ring, &line, text, limit);
}

/* Reads the next line; it must be @text. */
static void expect(const struct ring *ring, uint64_t *offset, const char *text)
{
	char read[LINE_MAX_BYTES];
	struct ring_line line;

	assert_true(ring_look(ring, offset, &line));
	assert_int_equal(line.length, strlen(text));
	ring_take(ring, offset, read);
	assert_memory_equal(read, text, line.length);
}

TEST(lines_are_read_as_they_were_added)
{
	struct ring ring = {0};
	uint64_t offset = 0;
	struct ring_line line;

	assert_false(ring_look(&ring, &offset, &line));
	add(&ring, 1, "one", 1024);
	add(&ring, 2, "", 1024);
	expect(&ring, &offset, "one");
	expect(&ring, &offset, "");
	assert_false(ring_look(&ring, &offset, &line));
	add(&ring, 3, "three", 1024);
	expect(&ring, &offset, "three");
	ring_close(&ring);
}

TEST(a_line_that_does_not_fit_is_lost_and_no_other)
{
	struct ring ring = {0};
	uint64_t offset = 0;
	char *large = test_malloc(2048);

	memset(large, 'x', 2047);
	large[2047] = '\0';
	add(&ring, 1, "one", 1024);
	add(&ring, 2, large, 1024);
	add(&ring, 3, "three", 1024);
	expect(&ring, &offset, "one");
	expect(&ring, &offset, "three");
	test_free(large);
	ring_close(&ring);
}

/* Lines of any length, read now and then: what is read is the newest part of what was written. */
TEST(the_newest_lines_are_kept_whatever_their_lengths)
{
	struct random_stream random = random_start();
	struct ring ring = {0};
	uint64_t offset = 0, last = 0;

	for (uint64_t number = 1; number <= 20000; number++) {
		char text[600], read[600];
		struct ring_line line = {.number = number, .length = random_below(&random, 600)};

		memset(text, (int)('a' + number % 26), sizeof(text));
		ring_add(&ring, &line, text, 16384);
		assert_true(ring.size <= 16384);
		while (random_below(&random, 8) == 0 && ring_look(&ring, &offset, &line)) {
			bool is_next = line.number == last + 1;

			assert_true(is_next || offset == ring.begin);
			assert_true(line.number > last && line.number <= number);
			ring_take(&ring, &offset, read);
			for (size_t i = 0; i < line.length; i++)
				assert_int_equal(read[i], 'a' + line.number % 26);
			last = line.number;
		}
	}
	assert_true(ring.end - ring.begin > 16384 - 700);
	ring_close(&ring);
}

/* ---- Many copies ---- */

static void expect_next(const struct printed *printed, struct printed_reader *reader,
			unsigned int number, const char *text, bool is_gap)
{
	char read[LINE_MAX_BYTES];
	struct ring_line line;
	unsigned int from;
	bool has_gap;

	assert_true(printed_next(printed, reader, &from, &line, read, &has_gap));
	assert_int_equal(from, number);
	assert_int_equal(has_gap, is_gap);
	assert_int_equal(line.length, strlen(text));
	assert_memory_equal(read, text, line.length);
}

static void expect_none(const struct printed *printed, struct printed_reader *reader)
{
	char read[LINE_MAX_BYTES];
	struct ring_line line;
	unsigned int from;
	bool has_gap;

	assert_false(printed_next(printed, reader, &from, &line, read, &has_gap));
}

TEST(a_reader_gets_the_lines_of_all_copies_in_their_order)
{
	struct printed printed = {0};
	struct printed_reader all = {0}, one = {.only = 1};

	expect_none(&printed, &all);
	printed_add(&printed, 1, "a", 1);
	printed_add(&printed, 300, "b", 1);
	printed_add(&printed, 1, "c", 1);
	expect_next(&printed, &all, 1, "a", false);
	expect_next(&printed, &all, 300, "b", false);
	printed_add(&printed, 2, "d", 1);
	expect_next(&printed, &all, 1, "c", false);
	expect_next(&printed, &all, 2, "d", false);
	expect_none(&printed, &all);
	expect_next(&printed, &one, 1, "a", false);
	expect_next(&printed, &one, 1, "c", false);
	expect_none(&printed, &one);
	assert_true(printed_has(&printed, 300));
	assert_false(printed_has(&printed, 3));
	assert_false(printed_has(&printed, 1000));
	free(all.offsets);
	free(one.offsets);
	printed_close(&printed);
}

TEST(a_slow_reader_is_told_of_what_it_has_missed)
{
	struct printed printed = {0};
	struct printed_reader reader = {0}, late = {0};
	char text[64];

	printed_add(&printed, 1, "first", 5);
	printed_add(&printed, 2, "other", 5);
	expect_next(&printed, &reader, 1, "first", false);
	for (int i = 0; i < 10000; i++)
		printed_add(&printed, 1, text, (size_t)snprintf(text, sizeof(text), "%05d", i));
	expect_next(&printed, &reader, 2, "other", false);
	snprintf(text, sizeof(text), "%05d",
		 10000 - (64 << 10) / (int)(sizeof(struct ring_line) + 5));
	expect_next(&printed, &reader, 1, text, true);
	expect_next(&printed, &late, 2, "other", false);
	expect_next(&printed, &late, 1, text, false);
	free(reader.offsets);
	free(late.offsets);
	printed_close(&printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_as_they_were_added),
		cmocka_unit_test(a_line_that_does_not_fit_is_lost_and_no_other),
		cmocka_unit_test(the_newest_lines_are_kept_whatever_their_lengths),
		cmocka_unit_test(a_reader_gets_the_lines_of_all_copies_in_their_order),
		cmocka_unit_test(a_slow_reader_is_told_of_what_it_has_missed),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
