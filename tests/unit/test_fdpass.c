// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_fdpass.c - messages with descriptors: those that are as agreed arrive, and of all others no
 * descriptor stays behind.
 */
#include "base/fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "unit.h"

/* A message of ours has this one length. */
static const char MESSAGE[8] = "message";

/* The two ends that messages go between, and files to send. */
struct ends {
	int from, to;
	int files[FDPASS_MAX + 1];
	size_t open_before;
};

static void ends_open(struct ends *ends)
{
	int pair[2];

	ends->open_before = fds_count();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ends->from = pair[0];
	ends->to = pair[1];
	for (size_t i = 0; i < COUNT(ends->files); i++) {
		ends->files[i] = memfd_create("file", 0);
		assert_true(ends->files[i] >= 0);
	}
}

/* With all that the test opened closed again, is anything left? */
static void ends_close(struct ends *ends)
{
	if (ends->from >= 0)
		close(ends->from);
	if (ends->to >= 0)
		close(ends->to);
	for (size_t i = 0; i < COUNT(ends->files); i++)
		close(ends->files[i]);
	assert_int_equal(fds_count(), ends->open_before);
}

static bool same_file(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Receives a message, which must fail with @err and leave nothing open. */
static void assert_receive_fails(struct ends *ends, size_t length, size_t count, int err)
{
	int fds[FDPASS_MAX] = {0, 0, 0, 0};
	size_t before = fds_count();
	char data[64];

	assert_int_equal(fdpass_receive(ends->to, data, length, fds, count), err);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(fds[i], -1);
	assert_int_equal(fds_count(), before);
}

/* Sends by hand what fdpass_send() has no way to send. */
static void send_many(int socket, const int *fds, size_t count)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * (FDPASS_MAX + 1))];
		struct cmsghdr align;
	} control = {0};
	char data[sizeof(MESSAGE)] = "";
	struct iovec part = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	assert_int_equal(sendmsg(socket, &message, 0), sizeof(data));
}

TEST(bytes_and_descriptors_arrive_in_their_order)
{
	for (size_t count = 1; count <= FDPASS_MAX; count++) {
		int fds[FDPASS_MAX] = {-1, -1, -1, -1};
		char data[sizeof(MESSAGE)] = "";
		struct ends ends;

		ends_open(&ends);
		assert_int_equal(
			fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), ends.files, count), 0);
		assert_int_equal(fdpass_receive(ends.to, data, sizeof(data), fds, count), 0);
		assert_memory_equal(data, MESSAGE, sizeof(data));
		for (size_t i = 0; i < count; i++) {
			assert_true(same_file(fds[i], ends.files[i]));
			close(fds[i]);
		}
		ends_close(&ends);
	}
}

TEST(a_received_descriptor_is_close_on_exec_and_a_copy)
{
	char data[sizeof(MESSAGE)];
	struct ends ends;
	int fd = -1;

	ends_open(&ends);
	assert_int_equal(fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), ends.files, 1), 0);
	assert_int_equal(fdpass_receive(ends.to, data, sizeof(data), &fd, 1), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(ends.files[0], F_GETFD), 0); /* the sender's stays its own */
	assert_int_not_equal(fd, ends.files[0]);
	close(fd);
	ends_close(&ends);
}

TEST(messages_do_not_run_into_each_other)
{
	char data[sizeof(MESSAGE)];
	struct ends ends;
	int fd = -1;

	ends_open(&ends);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), &ends.files[i], 1), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fdpass_receive(ends.to, data, sizeof(data), &fd, 1), 0);
		assert_true(same_file(fd, ends.files[i]));
		close(fd);
	}
	ends_close(&ends);
}

TEST(no_more_descriptors_are_sent_than_fit)
{
	struct ends ends;

	ends_open(&ends);
	assert_true(fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), ends.files, FDPASS_MAX + 1) <
		    0);
	ends_close(&ends);
}

TEST(another_number_of_descriptors_closes_all)
{
	for (size_t sent = 1; sent <= FDPASS_MAX; sent++)
		for (size_t wanted = 1; wanted <= FDPASS_MAX; wanted++) {
			struct ends ends;

			if (sent == wanted)
				continue;
			ends_open(&ends);
			assert_int_equal(
				fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), ends.files, sent),
				0);
			assert_receive_fails(&ends, sizeof(MESSAGE), wanted, -EBADMSG);
			ends_close(&ends);
		}
}

TEST(more_descriptors_than_fit_close_all)
{
	for (size_t wanted = 1; wanted <= FDPASS_MAX; wanted++) {
		struct ends ends;

		ends_open(&ends);
		send_many(ends.from, ends.files, FDPASS_MAX + 1);
		assert_receive_fails(&ends, sizeof(MESSAGE), wanted, -EBADMSG);
		ends_close(&ends);
	}
}

TEST(no_descriptors_are_another_number)
{
	struct ends ends;

	ends_open(&ends);
	assert_int_equal(send(ends.from, MESSAGE, sizeof(MESSAGE), 0), sizeof(MESSAGE));
	assert_receive_fails(&ends, sizeof(MESSAGE), 2, -EBADMSG);
	ends_close(&ends);
}

TEST(fewer_bytes_close_all)
{
	struct ends ends;

	ends_open(&ends);
	assert_int_equal(fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE) - 1, ends.files, 2), 0);
	assert_receive_fails(&ends, sizeof(MESSAGE), 2, -EBADMSG);
	ends_close(&ends);
}

TEST(more_bytes_close_all)
{
	struct ends ends;

	ends_open(&ends);
	assert_int_equal(fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), ends.files, 2), 0);
	assert_receive_fails(&ends, sizeof(MESSAGE) - 1, 2, -EBADMSG);
	ends_close(&ends);
}

TEST(a_closed_end_is_told_apart)
{
	struct ends ends;

	ends_open(&ends);
	close(ends.from);
	ends.from = -1;
	assert_receive_fails(&ends, sizeof(MESSAGE), 2, -EPIPE);
	/* Were it a signal (man 7 signal, SIGPIPE), this would be the test's end. */
	assert_int_equal(fdpass_send(ends.to, MESSAGE, sizeof(MESSAGE), ends.files, 1), -EPIPE);
	ends_close(&ends);
}

TEST(what_was_sent_before_the_end_closed_arrives)
{
	char data[sizeof(MESSAGE)];
	struct ends ends;
	int fd = -1;

	ends_open(&ends);
	assert_int_equal(fdpass_send(ends.from, MESSAGE, sizeof(MESSAGE), ends.files, 1), 0);
	close(ends.from);
	ends.from = -1;
	assert_int_equal(fdpass_receive(ends.to, data, sizeof(data), &fd, 1), 0);
	close(fd);
	assert_receive_fails(&ends, sizeof(MESSAGE), 1, -EPIPE);
	ends_close(&ends);
}

TEST(an_end_that_closed_with_messages_unread_is_closed_too)
{
	struct ends ends;

	ends_open(&ends);
	assert_int_equal(fdpass_send(ends.to, MESSAGE, sizeof(MESSAGE), ends.files, 1), 0);
	close(ends.from);
	ends.from = -1;
	assert_receive_fails(&ends, sizeof(MESSAGE), 1, -EPIPE);
	ends_close(&ends);
}

TEST(what_is_no_socket_is_an_error)
{
	struct ends ends;
	int fd;

	ends_open(&ends);
	assert_int_equal(fdpass_send(ends.files[0], MESSAGE, sizeof(MESSAGE), ends.files, 1),
			 -ENOTSOCK);
	assert_int_equal(fdpass_receive(ends.files[0], (char[1]){0}, 1, &fd, 1), -ENOTSOCK);
	assert_int_equal(fd, -1);
	ends_close(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_descriptors_arrive_in_their_order),
		cmocka_unit_test(a_received_descriptor_is_close_on_exec_and_a_copy),
		cmocka_unit_test(messages_do_not_run_into_each_other),
		cmocka_unit_test(no_more_descriptors_are_sent_than_fit),
		cmocka_unit_test(another_number_of_descriptors_closes_all),
		cmocka_unit_test(more_descriptors_than_fit_close_all),
		cmocka_unit_test(no_descriptors_are_another_number),
		cmocka_unit_test(fewer_bytes_close_all),
		cmocka_unit_test(more_bytes_close_all),
		cmocka_unit_test(a_closed_end_is_told_apart),
		cmocka_unit_test(what_was_sent_before_the_end_closed_arrives),
		cmocka_unit_test(an_end_that_closed_with_messages_unread_is_closed_too),
		cmocka_unit_test(what_is_no_socket_is_an_error),
	};

	/* qemu-user receives all of them for us, and leaves those open that do not fit. */
	if (getenv("UNIT_UNDER_QEMU"))
		cmocka_set_skip_filter("more_descriptors_than_fit_close_all");
	return cmocka_run_group_tests_name("fdpass", tests, NULL, NULL);
}
