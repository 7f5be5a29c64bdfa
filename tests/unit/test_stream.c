// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_stream.c - bytes on their way to a descriptor: how many may wait, that they come out whole
 * and in order, and that an error is for good. See test_stream_full.c for readers that do not read.
 */
#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "unit.h"

enum { PIPE_SIZE = 4096 };

/* Both ends of what a stream is written to: [0] is the reader's. */
static void ends_open_pipe(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) > 0);
}

static void ends_open_socket(int ends[2])
{
	int size = PIPE_SIZE;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

static void ends_close(int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static bool add(struct stream *stream, const char *text)
{
	return stream_add(stream, text, strlen(text));
}

/* Flushes; is @expected then what there is to read? */
static void assert_flushed(struct stream *stream, int reader, const char *expected)
{
	char text[256] = "";

	assert_int_equal(stream_flush(stream), 0);
	assert_true(stream_is_clear(stream));
	assert_int_equal(read(reader, text, sizeof(text) - 1), strlen(expected));
	assert_string_equal(text, expected);
}

/* ---- What may wait ---- */

TEST(what_does_not_fit_is_lost_as_a_whole)
{
	struct stream stream;
	int ends[2];

	ends_open_pipe(ends);
	stream_open(&stream, ends[1], 10);
	assert_false(add(&stream, "longer than it all"));
	assert_true(add(&stream, "123456"));
	assert_false(add(&stream, "lost!"));
	assert_true(add(&stream, "7890"));
	assert_false(add(&stream, "x"));
	assert_true(add(&stream, "")); /* fits always */
	assert_false(stream_is_clear(&stream));
	assert_flushed(&stream, ends[0], "1234567890");
	assert_true(add(&stream, "abcdefghij")); /* there is room again */
	assert_false(add(&stream, "k"));
	assert_flushed(&stream, ends[0], "abcdefghij");
	stream_close(&stream);
	ends_close(ends);
}

TEST(nothing_is_written_before_a_flush)
{
	struct stream stream;
	int ends[2], count = -1;

	ends_open_pipe(ends);
	stream_open(&stream, ends[1], SIZE_MAX);
	assert_true(stream_is_clear(&stream));
	assert_int_equal(stream_flush(&stream), 0);
	assert_true(add(&stream, "wait"));
	assert_int_equal(ioctl(ends[0], FIONREAD, &count), 0);
	assert_int_equal(count, 0);
	assert_flushed(&stream, ends[0], "wait");
	stream_close(&stream);
	ends_close(ends);
}

/* ---- Random pieces, compared with all that was kept ---- */

/* A pipe takes up to 4096 bytes all at once or not at all: more are needed for it to take a part.
 */
enum { LIMIT = 30000, KEPT_MAX = 8 << 20, PIECE_MAX = 40000 };

struct model {
	struct random_stream random;
	struct stream stream;
	int ends[2];
	char kept[KEPT_MAX];
	size_t kept_length, read_length;
};

static void model_add(struct model *model)
{
	char *piece = model->kept + model->kept_length;
	size_t largest = random_below(&model->random, 10) ? 5000 : PIECE_MAX;
	size_t length = random_below(&model->random, (uint32_t)largest), waiting;
	int written = -1;

	assert_int_equal(ioctl(model->ends[0], FIONREAD, &written), 0);
	waiting = model->kept_length - model->read_length - (size_t)written;
	for (size_t i = 0; i < length; i++)
		piece[i] = (char)random_next(&model->random);
	assert_int_equal(stream_add(&model->stream, piece, length), length <= LIMIT - waiting);
	if (length <= LIMIT - waiting)
		model->kept_length += length;
}

static void model_read(struct model *model, size_t most)
{
	char data[PIPE_SIZE];
	ssize_t n = read(model->ends[0], data, most);

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return;
	}
	assert_true((size_t)n <= model->kept_length - model->read_length);
	assert_memory_equal(data, model->kept + model->read_length, (size_t)n);
	model->read_length += (size_t)n;
}

static void model_run(struct model *model)
{
	model->kept_length = model->read_length = 0;
	assert_int_equal(fcntl(model->ends[0], F_SETFL, O_NONBLOCK), 0);
	stream_open(&model->stream, model->ends[1], LIMIT);
	while (model->kept_length < KEPT_MAX - PIECE_MAX) {
		uint32_t kind = random_below(&model->random, 4);

		if (kind == 0)
			model_read(model, 1 + random_below(&model->random, PIPE_SIZE));
		else if (kind == 1)
			assert_int_equal(stream_flush(&model->stream), 0);
		else
			model_add(model);
	}
	while (!stream_is_clear(&model->stream) || model->read_length < model->kept_length) {
		assert_int_equal(stream_flush(&model->stream), 0);
		model_read(model, PIPE_SIZE);
	}
	assert_true(model->stream.size <= (size_t)2 * LIMIT);
	stream_close(&model->stream);
	ends_close(model->ends);
}

TEST(what_was_kept_comes_out_in_order)
{
	static struct model model;

	model.random = random_start();
	ends_open_pipe(model.ends);
	model_run(&model);
	ends_open_socket(model.ends);
	model_run(&model);
}

/* ---- Errors ---- */

/* The first flush fails with @err; from then on nothing is kept. */
static void assert_fails(struct stream *stream, int err)
{
	size_t size;

	assert_true(add(stream, "into the void"));
	assert_false(stream_is_clear(stream));
	assert_int_equal(stream_flush(stream), err);
	size = stream->size;
	for (int i = 0; i < 1000; i++) {
		assert_true(stream_is_clear(stream)); /* nobody shall wait for it */
		assert_false(add(stream, "more"));
		assert_false(add(stream, ""));
		assert_int_equal(stream_flush(stream), err);
	}
	assert_int_equal(stream->size, size);
	stream_close(stream);
	assert_null(stream->pending);
}

static void assert_fails_without_reader(void (*open)(int ends[2]))
{
	struct stream before, after;
	int ends[2];

	open(ends);
	stream_open(&before, ends[1], SIZE_MAX);
	assert_true(add(&before, "read"));
	assert_flushed(&before, ends[0], "read");
	close(ends[0]);
	ends[0] = -1;
	stream_open(&after, ends[1], SIZE_MAX);
	assert_fails(&before, -EPIPE);
	assert_fails(&after, -EPIPE);
	ends_close(ends);
}

TEST(after_an_error_nothing_is_kept)
{
	struct stream stream;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(full >= 0);
	stream_open(&stream, full, SIZE_MAX);
	assert_fails(&stream, -ENOSPC);
	close(full);
	stream_open(&stream, full, SIZE_MAX); /* it is closed */
	assert_fails(&stream, -EBADF);
	stream_open(&stream, -1, SIZE_MAX);
	assert_fails(&stream, -EBADF);
	assert_fails_without_reader(ends_open_pipe);
}

TEST(a_socket_without_reader_raises_no_signal)
{
	signal(SIGPIPE, SIG_DFL); /* would be the test's end */
	assert_fails_without_reader(ends_open_socket);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- The descriptor ---- */

/* Opened once more, a file would be written from its beginning. */
TEST(a_file_is_continued_where_its_other_writers_are)
{
	char text[64] = "";
	struct stream stream;
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(write(fd, "one ", 4), 4);
	stream_open(&stream, fd, SIZE_MAX);
	assert_true(add(&stream, "two "));
	assert_int_equal(stream_flush(&stream), 0);
	assert_int_equal(write(fd, "three", 5), 5);
	assert_int_equal(pread(fd, text, sizeof(text) - 1, 0), 13);
	assert_string_equal(text, "one two three");
	stream_close(&stream);
	close(fd);
}

static void assert_left_alone(void (*open)(int ends[2]))
{
	size_t before = fds_count();
	struct stream stream;
	int ends[2], flags;
	char byte;

	open(ends);
	flags = fcntl(ends[1], F_GETFL);
	stream_open(&stream, ends[1], SIZE_MAX);
	assert_true(add(&stream, "x"));
	assert_flushed(&stream, ends[0], "x");
	assert_int_equal(fcntl(ends[1], F_GETFL), flags);
	stream_close(&stream);
	stream_close(&stream);
	assert_int_equal(fds_count(), before + 2);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody else has it */
	close(ends[0]);
	assert_int_equal(fds_count(), before);
}

TEST(the_descriptor_stays_its_owners)
{
	assert_left_alone(ends_open_pipe);
	assert_left_alone(ends_open_socket);
}

TEST(closing_loses_what_waits)
{
	struct stream stream;
	int ends[2];

	ends_open_pipe(ends);
	stream_open(&stream, ends[1], SIZE_MAX);
	assert_true(add(&stream, "lost"));
	stream_close(&stream);
	assert_true(stream_is_clear(&stream));
	stream_open(&stream, ends[1], SIZE_MAX);
	assert_true(add(&stream, "kept"));
	assert_flushed(&stream, ends[0], "kept");
	stream_close(&stream);
	ends_close(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_is_lost_as_a_whole),
		cmocka_unit_test(nothing_is_written_before_a_flush),
		cmocka_unit_test(what_was_kept_comes_out_in_order),
		cmocka_unit_test(after_an_error_nothing_is_kept),
		cmocka_unit_test(a_socket_without_reader_raises_no_signal),
		cmocka_unit_test(a_file_is_continued_where_its_other_writers_are),
		cmocka_unit_test(the_descriptor_stays_its_owners),
		cmocka_unit_test(closing_loses_what_waits),
	};

	signal(SIGPIPE, SIG_IGN); /* the manager has it blocked */
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
