// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_watch.c - news of links, addresses and routes. What the kernel would say is a queue of
 * messages and errors here (the linker's --wrap).
 */
#include "net/watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "unit.h"

/* What is read next. */
static struct {
	struct {
		int err; /* or, if it is 0, a message: */
		uint16_t type;
		int ifindex;
	} piece[8];
	size_t count, next;
} queue;

ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);

ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} message = {.head = {.nlmsg_len = sizeof(message)}};

	(void)fd;
	(void)flags;
	errno = EAGAIN;
	if (queue.next == queue.count)
		return -1;
	errno = queue.piece[queue.next].err;
	message.head.nlmsg_type = queue.piece[queue.next].type;
	message.link.ifi_index = queue.piece[queue.next].ifindex;
	queue.next++;
	if (errno)
		return -1;
	size = size < sizeof(message) ? size : sizeof(message);
	memcpy(buf, &message, size);
	return (ssize_t)size;
}

static void put(int err, uint16_t type, int ifindex)
{
	queue.piece[queue.count].err = err;
	queue.piece[queue.count].type = type;
	queue.piece[queue.count++].ifindex = ifindex;
}

static int set_up(void **state)
{
	(void)state;
	memset(&queue, 0, sizeof(queue));
	return 0;
}

TEST(news_is_told_in_its_order)
{
	struct netlink nl = {0};
	struct watch_event event;

	put(0, RTM_NEWLINK, 4); /* not of our kinds */
	put(0, RTM_NEWADDR, 4);
	put(EINTR, 0, 0);
	put(0, RTM_DELLINK, 5);
	assert_true(watch_next(&nl, &event));
	assert_int_equal(event.kind, WATCH_CHANGE);
	assert_true(watch_next(&nl, &event));
	assert_int_equal(event.kind, WATCH_LINK_GONE);
	assert_int_equal(event.ifindex, 5);
	assert_false(watch_next(&nl, &event));
}

TEST(after_a_loss_all_is_read_before_it_is_told)
{
	struct netlink nl = {0};
	struct watch_event event;

	put(ENOBUFS, 0, 0);
	put(0, RTM_DELLINK, 5);
	put(EINTR, 0, 0);
	put(ENOBUFS, 0, 0);
	put(0, RTM_NEWADDR, 6);
	assert_true(watch_next(&nl, &event));
	assert_int_equal(event.kind, WATCH_LOST);
	assert_int_equal(queue.next, queue.count);
	assert_false(watch_next(&nl, &event));
	put(0, RTM_DELLINK, 7);
	assert_true(watch_next(&nl, &event));
	assert_int_equal(event.kind, WATCH_LINK_GONE);
	assert_int_equal(event.ifindex, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(news_is_told_in_its_order, set_up),
		cmocka_unit_test_setup(after_a_loss_all_is_read_before_it_is_told, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
