// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_stream_full.c - a reader that does not read: nothing ever blocks, and nothing is missing
 * when it reads on. One test for each kind of descriptor, which must be a blocking one.
 *
 * Each test is a child, to be ended from outside if it blocks.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "base/stream.h"
#include "unit.h"

enum { PIPE_SIZE = 4096, PIECE = 10000, TOO_MUCH = 64 << 20, TIMEOUT_MS = 20000 };

/* What a child returns. */
enum {
	WENT_WELL,
	NOT_OPEN,      /* the ends could not be made */
	NOT_REOPENED,  /* the stream writes to the descriptor itself, or does not, as it should */
	NEVER_FULL,    /* the stream took everything */
	NOT_KEPT,      /* stream_add() failed */
	FLUSH_FAILED,  /* so did stream_flush() */
	NOT_BLOCKING,  /* the descriptor has become a non-blocking one */
	WRONG_BYTES,   /* what was read is not what was added */
	NEVER_CLEAR,   /* all was read, and something waits */
	BLOCKED = 100, /* it has not returned */
};

/* Runs @body in a child. Return: the status that it returned, or BLOCKED. */
static int run_in_time(int (*body)(void))
{
	int status = 0, pidfd;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	assert_true(pid > 0);
	pidfd = process_open(pid);
	assert_true(pidfd >= 0);
	if (process_wait(pidfd, TIMEOUT_MS, &status) == 0) {
		close(pidfd);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	process_signal(pidfd, SIGKILL);
	process_wait(pidfd, -1, NULL);
	close(pidfd);
	return BLOCKED;
}

/* The byte at @offset of all that is written: no two pieces are alike. */
static char byte_at(size_t offset)
{
	return (char)(offset * 7 % 251);
}

/* Adds pieces until the stream takes no more. */
static int fill(struct stream *stream, size_t *ret_length)
{
	char piece[PIECE];
	size_t added = 0;

	while (stream_is_clear(stream)) {
		if (added > TOO_MUCH)
			return NEVER_FULL;
		for (size_t i = 0; i < PIECE; i++)
			piece[i] = byte_at(added + i);
		if (!stream_add(stream, piece, PIECE))
			return NOT_KEPT;
		added += PIECE;
		if (stream_flush(stream) < 0)
			return FLUSH_FAILED;
	}
	*ret_length = added;
	return WENT_WELL;
}

/* Reads until @length bytes have come, and flushes in between. */
static int drain(struct stream *stream, int reader, size_t length)
{
	char data[1500];
	size_t total = 0;

	while (total < length) {
		ssize_t n;

		if (stream_flush(stream) < 0)
			return FLUSH_FAILED;
		n = read(reader, data, sizeof(data));
		if (n <= 0)
			return WRONG_BYTES;
		for (size_t i = 0; i < (size_t)n; i++)
			if (data[i] != byte_at(total + i))
				return WRONG_BYTES;
		total += (size_t)n;
	}
	return stream_is_clear(stream) && total == length ? WENT_WELL : NEVER_CLEAR;
}

/* Fills the stream, goes on trying, then reads all. */
static int fill_and_drain(struct stream *stream, int reader)
{
	size_t added = 0;
	int status = fill(stream, &added);

	for (int i = 0; i < 100 && status == WENT_WELL; i++)
		if (stream_flush(stream) < 0)
			status = FLUSH_FAILED;
	return status == WENT_WELL ? drain(stream, reader, added) : status;
}

static int try_writer(int reader, int writer, bool is_reopened)
{
	int status = NOT_REOPENED;
	struct stream stream;

	stream_open(&stream, writer, SIZE_MAX);
	if (stream.is_owned == is_reopened)
		status = fill_and_drain(&stream, reader);
	if (status == WENT_WELL)
		status = fill_and_drain(&stream, reader); /* once more */
	if (status == WENT_WELL && fcntl(writer, F_GETFL) & O_NONBLOCK)
		status = NOT_BLOCKING;
	stream_close(&stream);
	return status;
}

static int full_pipe(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return NOT_OPEN;
	return try_writer(ends[0], ends[1], true);
}

TEST(a_full_pipe_never_blocks)
{
	assert_int_equal(run_in_time(full_pipe), WENT_WELL);
}

/* As after a change of the user: who may write to a descriptor may not open it once more. */
static int forbid_opening(int fd)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (fchmod(fd, 0) < 0)
		return -1;
	return (int)syscall(SYS_capset, &header, none);
}

static int full_pipe_of_another(int size)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[1], F_SETPIPE_SZ, size) < 0 ||
	    forbid_opening(ends[1]) < 0)
		return NOT_OPEN;
	return try_writer(ends[0], ends[1], false);
}

static int full_small_pipe_of_another(void)
{
	return full_pipe_of_another(PIPE_SIZE);
}

static int full_large_pipe_of_another(void)
{
	return full_pipe_of_another(16 * PIPE_SIZE);
}

TEST(a_full_pipe_that_cannot_be_reopened_never_blocks)
{
	assert_int_equal(run_in_time(full_small_pipe_of_another), WENT_WELL);
	assert_int_equal(run_in_time(full_large_pipe_of_another), WENT_WELL);
}

static int full_socket(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return NOT_OPEN;
	return try_writer(ends[0], ends[1], false);
}

TEST(a_full_socket_never_blocks)
{
	assert_int_equal(run_in_time(full_socket), WENT_WELL);
}

static int full_terminal_of(bool is_ours)
{
	AUTO_CLOSE int reader = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	AUTO_CLOSE int writer = -1;
	struct termios raw;

	if (reader < 0 || grantpt(reader) < 0 || unlockpt(reader) < 0)
		return NOT_OPEN;
	writer = open(ptsname(reader), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (writer < 0 || tcgetattr(writer, &raw) < 0)
		return NOT_OPEN;
	cfmakeraw(&raw);
	if (tcsetattr(writer, TCSANOW, &raw) < 0)
		return NOT_OPEN;
	if (!is_ours && forbid_opening(writer) < 0)
		return NOT_OPEN;
	return try_writer(reader, writer, is_ours);
}

static int full_terminal(void)
{
	return full_terminal_of(true);
}

static int full_terminal_of_another(void)
{
	return full_terminal_of(false);
}

TEST(a_full_terminal_that_cannot_be_reopened_never_blocks)
{
	assert_int_equal(run_in_time(full_terminal_of_another), WENT_WELL);
}

TEST(a_full_terminal_never_blocks)
{
	assert_int_equal(run_in_time(full_terminal), WENT_WELL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_pipe_never_blocks),
		cmocka_unit_test(a_full_pipe_that_cannot_be_reopened_never_blocks),
		cmocka_unit_test(a_full_socket_never_blocks),
		cmocka_unit_test(a_full_terminal_never_blocks),
		cmocka_unit_test(a_full_terminal_that_cannot_be_reopened_never_blocks),
	};

	return cmocka_run_group_tests_name("stream_full", tests, NULL, NULL);
}
