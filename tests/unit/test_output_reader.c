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

#include "copy/output.h"
#include "unit.h"

enum { PIPE_SIZE = 4096, READ_MAX = 1000 };

/* Both ends of what an output is written to, and all that has been read of it. */
struct stream {
	int reader, writer;
	struct output output;
	char *text;
	size_t length;
};

static void stream_start(struct stream *stream, int reader, int writer)
{
	*stream = (struct stream){.reader = reader, .writer = writer};
	assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	output_open(&stream->output, writer);
}

static void stream_open_pipe(struct stream *stream)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) > 0);
	stream_start(stream, ends[0], ends[1]);
}

static void stream_open_socket(struct stream *stream)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	stream_start(stream, ends[0], ends[1]);
}

static void stream_close(struct stream *stream)
{
	output_close(&stream->output);
	if (stream->reader >= 0)
		close(stream->reader);
	close(stream->writer);
	free(stream->text);
}

/* Reads a little. Return: was there anything? */
static bool stream_read(struct stream *stream)
{
	ssize_t n;

	stream->text = realloc(stream->text, stream->length + READ_MAX + 1);
	assert_non_null(stream->text);
	n = read(stream->reader, stream->text + stream->length, READ_MAX);
	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	stream->length += n > 0 ? (size_t)n : 0;
	stream->text[stream->length] = '\0';
	return n > 0;
}

static void stream_read_all(struct stream *stream)
{
	do
		assert_int_equal(output_flush(&stream->output), 0);
	while (stream_read(stream));
	assert_true(output_is_clear(&stream->output));
}

/* Prints the lines from @first on until the reader takes no more. Return: the number of the next.
 */
static unsigned int stream_fill(struct stream *stream, unsigned int first)
{
	unsigned int next = first;

	while (output_is_clear(&stream->output)) {
		output_print(&stream->output, "line %u", next++);
		assert_int_equal(output_flush(&stream->output), 0);
	}
	return next;
}

/* Has everything from line 0 to before @end been read, in order? */
static void assert_lines(const struct stream *stream, unsigned int end)
{
	const char *at = stream->text;

	for (unsigned int i = 0; i < end; i++) {
		char expected[32];
		int length = snprintf(expected, sizeof(expected), "line %u\n", i);

		assert_memory_equal(at, expected, (size_t)length);
		at += length;
	}
	assert_string_equal(at, "");
}

static void a_full_reader_misses_nothing(struct stream *stream)
{
	unsigned int end = stream_fill(stream, 0);

	assert_int_equal(output_flush(&stream->output), 0);
	assert_false(output_is_clear(&stream->output));
	output_print(&stream->output, "line %u", end++); /* such as a last word of ours */
	stream_read_all(stream);
	end = stream_fill(stream, end);
	stream_read_all(stream);
	assert_lines(stream, end);
}

TEST(a_full_pipe_misses_nothing)
{
	struct stream stream;

	stream_open_pipe(&stream);
	a_full_reader_misses_nothing(&stream);
	stream_close(&stream);
}

TEST(a_full_socket_misses_nothing)
{
	struct stream stream;

	stream_open_socket(&stream);
	a_full_reader_misses_nothing(&stream);
	stream_close(&stream);
}

/* Whoever feeds looks at output_is_clear() first: then no more than one piece ever waits. */
TEST(what_waits_is_bounded)
{
	enum { PIECE = 4000, PREFIX = 9 };
	struct output_line line = {0};
	char piece[PIECE];
	struct stream stream;

	memset(piece, '\n', sizeof(piece));
	stream_open_pipe(&stream);
	for (int i = 0; i < 10000; i++) {
		if (output_is_clear(&stream.output))
			output_feed(&stream.output, 1, &line, piece, sizeof(piece));
		assert_int_equal(output_flush(&stream.output), 0);
		assert_true(stream.output.length <= (size_t)PIECE * (PREFIX + 1));
		assert_true(stream.output.size <= (size_t)4 * PIECE * (PREFIX + 1));
		stream_read(&stream);
		stream.length = 0;
	}
	stream_close(&stream);
}

TEST(flags_of_the_descriptor_stay_as_they_are)
{
	struct stream stream;

	stream_open_pipe(&stream);
	stream_fill(&stream, 0); /* does not block, though: */
	assert_int_equal(fcntl(stream.writer, F_GETFL) & O_NONBLOCK, 0);
	stream_close(&stream);

	stream_open_socket(&stream);
	stream_fill(&stream, 0);
	assert_int_equal(fcntl(stream.writer, F_GETFL) & O_NONBLOCK, 0);
	stream_close(&stream);
}

TEST(closing_leaves_the_descriptor_to_its_owner)
{
	size_t before = fds_count();
	struct stream stream;

	stream_open_pipe(&stream);
	stream_fill(&stream, 0);
	output_close(&stream.output);
	output_close(&stream.output);
	assert_true(output_is_clear(&stream.output)); /* what was pending is lost */
	assert_int_equal(fds_count(), before + 2);
	assert_true(fcntl(stream.writer, F_GETFD) >= 0);
	stream_close(&stream);
	assert_int_equal(fds_count(), before);
}

static void a_reader_that_is_gone_is_an_error_for_good(struct stream *stream)
{
	close(stream->reader);
	stream->reader = -1;
	output_print(&stream->output, "into the void");
	assert_int_equal(output_flush(&stream->output), -EPIPE);
	assert_true(output_is_clear(&stream->output)); /* nobody shall wait for it */
	for (int i = 0; i < 100000; i++)
		output_print(&stream->output, "more");
	assert_true(stream->output.size < 100000);
	assert_int_equal(output_flush(&stream->output), -EPIPE);
}

TEST(a_pipe_without_reader_is_an_error_for_good)
{
	struct stream stream;

	stream_open_pipe(&stream);
	a_reader_that_is_gone_is_an_error_for_good(&stream);
	stream_close(&stream);
}

TEST(a_socket_without_reader_is_an_error_for_good)
{
	struct stream stream;

	signal(SIGPIPE, SIG_DFL); /* would be the test's end */
	stream_open_socket(&stream);
	a_reader_that_is_gone_is_an_error_for_good(&stream);
	stream_close(&stream);
	signal(SIGPIPE, SIG_IGN);
}

TEST(a_reader_that_goes_while_lines_wait_is_an_error)
{
	struct stream stream;

	stream_open_pipe(&stream);
	stream_fill(&stream, 0);
	assert_false(output_is_clear(&stream.output));
	a_reader_that_is_gone_is_an_error_for_good(&stream);
	stream_close(&stream);
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
