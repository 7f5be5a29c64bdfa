// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_output_reader.c - the reader of the output: one that does not read makes nobody wait and no
 * memory grow, and misses nothing once it reads on; one that is gone is an error for good.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "run/output.h"
#include "unit.h"

enum { PIPE_SIZE = 4096, READ_MAX = 1000 };

/* Both ends of what an output is written to, and all that has been read of it. */
struct reader {
	int end, writer;
	struct output output;
	char *text;
	size_t length;
};

static void reader_start(struct reader *reader, int end, int writer)
{
	*reader = (struct reader){.end = end, .writer = writer};
	assert_int_equal(fcntl(end, F_SETFL, O_NONBLOCK), 0);
	output_open(&reader->output, writer);
}

static void reader_open_pipe(struct reader *reader)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) > 0);
	reader_start(reader, ends[0], ends[1]);
}

static void reader_open_socket(struct reader *reader)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	reader_start(reader, ends[0], ends[1]);
}

static void reader_close(struct reader *reader)
{
	output_close(&reader->output);
	if (reader->end >= 0)
		close(reader->end);
	close(reader->writer);
	free(reader->text);
}

/* Reads a little. Return: was there anything? */
static bool reader_read(struct reader *reader)
{
	ssize_t n;

	reader->text = realloc(reader->text, reader->length + READ_MAX + 1);
	assert_non_null(reader->text);
	n = read(reader->end, reader->text + reader->length, READ_MAX);
	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	reader->length += n > 0 ? (size_t)n : 0;
	reader->text[reader->length] = '\0';
	return n > 0;
}

static void reader_read_all(struct reader *reader)
{
	do
		assert_int_equal(output_flush(&reader->output), 0);
	while (reader_read(reader));
	assert_true(output_is_clear(&reader->output));
}

/* Prints the lines from @first on until the reader takes no more. Return: the number of the next.
 */
static unsigned int reader_fill(struct reader *reader, unsigned int first)
{
	unsigned int next = first;

	while (output_is_clear(&reader->output)) {
		output_print(&reader->output, "line %u", next++);
		assert_int_equal(output_flush(&reader->output), 0);
	}
	return next;
}

/* Has everything from line 0 to before @end been read, in order? */
static void assert_lines(const struct reader *reader, unsigned int end)
{
	const char *at = reader->text;

	for (unsigned int i = 0; i < end; i++) {
		char expected[32];
		int length = snprintf(expected, sizeof(expected), "line %u\n", i);

		assert_memory_equal(at, expected, (size_t)length);
		at += length;
	}
	assert_string_equal(at, "");
}

static void a_full_reader_misses_nothing(struct reader *reader)
{
	unsigned int end = reader_fill(reader, 0);

	assert_int_equal(output_flush(&reader->output), 0);
	assert_false(output_is_clear(&reader->output));
	output_print(&reader->output, "line %u", end++); /* such as a last word of ours */
	reader_read_all(reader);
	end = reader_fill(reader, end);
	reader_read_all(reader);
	assert_lines(reader, end);
}

TEST(a_full_pipe_misses_nothing)
{
	struct reader reader;

	reader_open_pipe(&reader);
	a_full_reader_misses_nothing(&reader);
	reader_close(&reader);
}

TEST(a_full_socket_misses_nothing)
{
	struct reader reader;

	reader_open_socket(&reader);
	a_full_reader_misses_nothing(&reader);
	reader_close(&reader);
}

/* Whoever feeds looks at output_is_clear() first: then no more than one piece ever waits. */
TEST(what_waits_is_bounded)
{
	enum { PIECE = 4000, PREFIX = 9 };
	struct output_line line = {0};
	char piece[PIECE];
	struct reader reader;

	memset(piece, '\n', sizeof(piece));
	reader_open_pipe(&reader);
	for (int i = 0; i < 10000; i++) {
		if (output_is_clear(&reader.output))
			output_feed(&reader.output, 1, &line, piece, sizeof(piece));
		assert_int_equal(output_flush(&reader.output), 0);
		assert_true(reader.output.stream.length <= (size_t)PIECE * (PREFIX + 1));
		assert_true(reader.output.stream.size <= (size_t)4 * PIECE * (PREFIX + 1));
		reader_read(&reader);
		reader.length = 0;
	}
	reader_close(&reader);
}

TEST(flags_of_the_descriptor_stay_as_they_are)
{
	struct reader reader;

	reader_open_pipe(&reader);
	reader_fill(&reader, 0); /* does not block, though: */
	assert_int_equal(fcntl(reader.writer, F_GETFL) & O_NONBLOCK, 0);
	reader_close(&reader);

	reader_open_socket(&reader);
	reader_fill(&reader, 0);
	assert_int_equal(fcntl(reader.writer, F_GETFL) & O_NONBLOCK, 0);
	reader_close(&reader);
}

TEST(closing_leaves_the_descriptor_to_its_owner)
{
	size_t before = fds_count();
	struct reader reader;

	reader_open_pipe(&reader);
	reader_fill(&reader, 0);
	output_close(&reader.output);
	output_close(&reader.output);
	assert_true(output_is_clear(&reader.output)); /* what was pending is lost */
	assert_int_equal(fds_count(), before + 2);
	assert_true(fcntl(reader.writer, F_GETFD) >= 0);
	reader_close(&reader);
	assert_int_equal(fds_count(), before);
}

static void a_reader_that_is_gone_is_an_error_for_good(struct reader *reader)
{
	close(reader->end);
	reader->end = -1;
	output_print(&reader->output, "into the void");
	assert_int_equal(output_flush(&reader->output), -EPIPE);
	assert_true(output_is_clear(&reader->output)); /* nobody shall wait for it */
	for (int i = 0; i < 100000; i++)
		output_print(&reader->output, "more");
	assert_true(reader->output.stream.size < 100000);
	assert_int_equal(output_flush(&reader->output), -EPIPE);
}

TEST(a_pipe_without_reader_is_an_error_for_good)
{
	struct reader reader;

	reader_open_pipe(&reader);
	a_reader_that_is_gone_is_an_error_for_good(&reader);
	reader_close(&reader);
}

TEST(a_socket_without_reader_is_an_error_for_good)
{
	struct reader reader;

	signal(SIGPIPE, SIG_DFL); /* would be the test's end */
	reader_open_socket(&reader);
	a_reader_that_is_gone_is_an_error_for_good(&reader);
	reader_close(&reader);
	signal(SIGPIPE, SIG_IGN);
}

TEST(a_reader_that_goes_while_lines_wait_is_an_error)
{
	struct reader reader;

	reader_open_pipe(&reader);
	reader_fill(&reader, 0);
	assert_false(output_is_clear(&reader.output));
	a_reader_that_is_gone_is_an_error_for_good(&reader);
	reader_close(&reader);
}

TEST(a_closed_descriptor_is_an_error_and_no_crash)
{
	struct output output;

	output_open(&output, -1);
	output_print(&output, "nowhere");
	assert_int_equal(output_flush(&output), -EBADF);
	assert_true(output_is_clear(&output));
	output_close(&output);
}

TEST(no_reader_before_the_start_is_an_error_too)
{
	struct output output;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	output_open(&output, ends[1]);
	output_print(&output, "into the void");
	assert_int_equal(output_flush(&output), -EPIPE);
	output_close(&output);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_pipe_misses_nothing),
		cmocka_unit_test(a_full_socket_misses_nothing),
		cmocka_unit_test(what_waits_is_bounded),
		cmocka_unit_test(flags_of_the_descriptor_stay_as_they_are),
		cmocka_unit_test(closing_leaves_the_descriptor_to_its_owner),
		cmocka_unit_test(a_pipe_without_reader_is_an_error_for_good),
		cmocka_unit_test(a_socket_without_reader_is_an_error_for_good),
		cmocka_unit_test(a_reader_that_goes_while_lines_wait_is_an_error),
		cmocka_unit_test(a_closed_descriptor_is_an_error_and_no_crash),
		cmocka_unit_test(no_reader_before_the_start_is_an_error_too),
	};

	signal(SIGPIPE, SIG_IGN); /* the manager has it blocked */
	return cmocka_run_group_tests_name("output_reader", tests, NULL, NULL);
}
