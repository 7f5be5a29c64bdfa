// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_loop.c - the descriptors of a loop: who is called, and who is not because a callback before
 * has forgotten, closed or freed it. See test_loop_timers.c for its timers.
 *
 * The order of events that come together is the kernel's: what a callback does to another source
 * is tested in both directions at once, and only one of the two can come first.
 */
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "unit.h"

/* A source that counts its calls, and does something in each. */
struct probe {
	struct loop *loop;
	struct loop_source source;
	unsigned int calls;
	uint32_t events; /* of the last call */
	void (*act)(struct probe *probe);
	struct probe *other, *fresh; /* what @act is about */
};

static void probe_on_event(void *data, uint32_t events)
{
	struct probe *probe = data;

	assert_true(probe->source.is_watched);
	probe->calls++;
	probe->events = events;
	if (probe->act)
		probe->act(probe);
}

static void probe_init(struct probe *probe, struct loop *loop, int fd)
{
	assert_true(fd >= 0);
	*probe = (struct probe){.loop = loop};
	probe->source = (struct loop_source){.fd = fd, .on_event = probe_on_event, .data = probe};
}

static void probe_open(struct probe *probe, struct loop *loop, int fd)
{
	probe_init(probe, loop, fd);
	assert_int_equal(loop_watch(loop, &probe->source, EPOLLIN), 0);
	assert_true(probe->source.is_watched);
}

static void probe_close(struct probe *probe)
{
	loop_forget(probe->loop, &probe->source);
	close(probe->source.fd);
}

static int event_new(unsigned int count)
{
	return eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* Two descriptors whose events come together; in their callbacks each acts on the other. */
struct pair {
	struct loop loop;
	struct probe first, second;
};

static void pair_open(struct pair *pair, void (*act)(struct probe *probe))
{
	assert_int_equal(loop_open(&pair->loop), 0);
	probe_open(&pair->first, &pair->loop, event_new(1));
	probe_open(&pair->second, &pair->loop, event_new(1));
	pair->first.act = pair->second.act = act;
	pair->first.other = &pair->second;
	pair->second.other = &pair->first;
}

static void pair_close(struct pair *pair)
{
	probe_close(&pair->first);
	probe_close(&pair->second);
	loop_close(&pair->loop);
}

TEST(a_descriptor_is_reported_as_long_as_it_is_readable)
{
	struct loop loop;
	struct probe probe;
	eventfd_t value;

	assert_int_equal(loop_open(&loop), 0);
	probe_open(&probe, &loop, event_new(0));
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.calls, 0);
	assert_int_equal(eventfd_write(probe.source.fd, 1), 0);
	for (unsigned int turns = 1; turns <= 3; turns++) {
		assert_int_equal(loop_turn(&loop), 0);
		assert_int_equal(probe.calls, turns);
		assert_int_equal(probe.events, EPOLLIN);
	}
	assert_int_equal(eventfd_read(probe.source.fd, &value), 0);
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.calls, 3);
	probe_close(&probe);
	loop_close(&loop);
}

TEST(without_timers_a_turn_waits_for_an_event)
{
	struct loop loop;
	struct probe probe;
	pid_t pid;

	assert_int_equal(loop_open(&loop), 0);
	probe_open(&probe, &loop, event_new(0));
	pid = fork();
	if (pid == 0)
		_exit(eventfd_write(probe.source.fd, 1));
	assert_true(pid > 0);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(probe.calls, 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	probe_close(&probe);
	loop_close(&loop);
}

/* ---- What is forgotten ---- */

static void forget_itself(struct probe *probe)
{
	loop_forget(probe->loop, &probe->source);
	loop_forget(probe->loop, &probe->source);
}

TEST(a_source_that_forgets_itself_is_not_called_again)
{
	struct pair pair;

	pair_open(&pair, forget_itself);
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls, 1);
	assert_int_equal(pair.second.calls, 1);
	assert_int_equal(loop_watch(&pair.loop, &pair.first.source, EPOLLIN), 0);
	assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls, 2);
	assert_int_equal(pair.second.calls, 1);
	pair_close(&pair);
}

static void forget_other(struct probe *probe)
{
	loop_forget(probe->loop, &probe->other->source);
}

TEST(an_event_of_a_source_that_was_just_forgotten_is_dropped)
{
	struct pair pair;

	pair_open(&pair, forget_other);
	for (unsigned int turns = 1; turns <= 3; turns++) {
		assert_int_equal(loop_poll(&pair.loop), 0);
		assert_int_equal(pair.first.calls + pair.second.calls, turns);
		assert_true(pair.first.calls == 0 || pair.second.calls == 0);
	}
	pair_close(&pair);
}

static void forget_and_watch_other(struct probe *probe)
{
	loop_forget(probe->loop, &probe->other->source);
	assert_int_equal(loop_watch(probe->loop, &probe->other->source, EPOLLIN), 0);
}

/* What was dropped is not lost. */
TEST(a_source_that_is_watched_again_is_called_in_the_next_turn)
{
	struct pair pair;

	pair_open(&pair, forget_and_watch_other);
	assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls + pair.second.calls, 1);
	pair.first.act = pair.second.act = NULL;
	assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls + pair.second.calls, 3);
	pair_close(&pair);
}

/* Another process may have the descriptor too: then it lives on when it is closed here. */
TEST(a_forgotten_descriptor_is_silent_even_if_it_lives_on)
{
	struct loop loop;
	struct probe probe;
	int copy;

	assert_int_equal(loop_open(&loop), 0);
	probe_open(&probe, &loop, event_new(1));
	copy = fcntl(probe.source.fd, F_DUPFD_CLOEXEC, 0);
	assert_true(copy >= 0);
	probe_close(&probe);
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.calls, 0);
	close(copy);
	loop_close(&loop);
}

static void mute_other(struct probe *probe)
{
	assert_int_equal(loop_watch(probe->loop, &probe->other->source, 0), 0);
}

TEST(other_events_count_from_now_on)
{
	struct pair pair;

	pair_open(&pair, mute_other);
	assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls + pair.second.calls, 1);
	pair_close(&pair);
}

/* ---- The same number again ---- */

/* Closes the other one, and watches a new descriptor that gets its number. */
static void replace_other(struct probe *probe)
{
	struct loop_source *old = &probe->other->source, *fresh = &probe->fresh->source;
	int fd;

	probe->act = probe->other->act = NULL;
	loop_forget(probe->loop, old);
	close(old->fd);
	fd = event_new(0);
	if (fd != old->fd) {
		assert_int_equal(dup3(fd, old->fd, O_CLOEXEC), old->fd);
		close(fd);
	}
	fresh->fd = old->fd;
	assert_int_equal(loop_watch(probe->loop, fresh, EPOLLIN), 0);
}

TEST(a_new_source_gets_no_event_of_an_old_one_with_the_same_descriptor)
{
	struct pair pair;
	struct probe fresh;

	pair_open(&pair, replace_other);
	probe_init(&fresh, &pair.loop, 0);
	pair.first.fresh = pair.second.fresh = &fresh;
	assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls + pair.second.calls, 1);
	assert_int_equal(fresh.calls, 0);
	assert_int_equal(eventfd_write(fresh.source.fd, 1), 0);
	assert_int_equal(loop_poll(&pair.loop), 0);
	assert_int_equal(pair.first.calls + pair.second.calls, 2);
	assert_int_equal(fresh.calls, 1);
	loop_forget(&pair.loop, &fresh.source); /* one of the pair has its descriptor */
	pair_close(&pair);
}

/* As when a copy has ended and is started anew within one callback. */
TEST(a_source_that_is_used_again_gets_no_event_of_its_past)
{
	struct pair pair;

	pair_open(&pair, replace_other);
	pair.first.fresh = &pair.second;
	pair.second.fresh = &pair.first;
	for (unsigned int turns = 1; turns <= 3; turns++) {
		assert_int_equal(loop_poll(&pair.loop), 0);
		assert_int_equal(pair.first.calls + pair.second.calls, turns);
		assert_true(pair.first.calls == 0 || pair.second.calls == 0);
	}
	pair_close(&pair);
}

/* ---- Memory and descriptors ---- */

static void free_both(struct probe *probe)
{
	struct probe *other = probe->other;

	probe_close(other);
	free(other);
	probe_close(probe);
	free(probe);
}

/* The address sanitizer would tell if the loop looked at them once more. */
TEST(sources_may_be_freed_in_a_callback)
{
	struct probe *first = malloc(sizeof(*first)), *second = malloc(sizeof(*second));
	struct loop loop;

	assert_non_null(first);
	assert_non_null(second);
	assert_int_equal(loop_open(&loop), 0);
	probe_open(first, &loop, event_new(1));
	probe_open(second, &loop, event_new(1));
	first->act = second->act = free_both;
	first->other = second;
	second->other = first;
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(loop_poll(&loop), 0);
	loop_close(&loop);
}

TEST(a_loop_leaves_no_descriptor_behind)
{
	size_t before = fds_count();
	struct loop none = LOOP_NONE;
	struct pair pair;

	loop_close(&none);
	loop_close(&none);
	pair_open(&pair, NULL);
	assert_int_equal(fds_count(), before + 3);
	assert_int_equal(fcntl(loop_descriptor(&pair.loop), F_GETFD), FD_CLOEXEC);
	assert_int_equal(loop_poll(&pair.loop), 0);
	loop_forget(&pair.loop, &pair.first.source);
	assert_true(fcntl(pair.first.source.fd, F_GETFD) >= 0); /* still the caller's */
	pair_close(&pair);
	loop_close(&pair.loop);
	assert_int_equal(fds_count(), before);
}

/* ---- What is waited for ---- */

TEST(what_cannot_be_watched_is_an_error_and_stays_unwatched)
{
	struct probe file, closed;
	struct loop loop;

	assert_int_equal(loop_open(&loop), 0);
	probe_init(&file, &loop, memfd_create("regular", MFD_CLOEXEC));
	assert_int_equal(loop_watch(&loop, &file.source, EPOLLIN), -EPERM);
	assert_int_equal(loop_watch(&loop, &file.source, 0), -EPERM);
	assert_false(file.source.is_watched);
	probe_init(&closed, &loop, event_new(1));
	close(closed.source.fd);
	assert_int_equal(loop_watch(&loop, &closed.source, EPOLLIN), -EBADF);
	assert_false(closed.source.is_watched);
	loop_forget(&loop, &closed.source);
	assert_int_equal(loop_poll(&loop), 0);
	probe_close(&file);
	loop_close(&loop);
}

TEST(a_source_gets_the_events_it_asked_for_last)
{
	struct probe probe;
	struct loop loop;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(loop_open(&loop), 0);
	probe_open(&probe, &loop, ends[0]);
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.events, EPOLLIN);
	assert_int_equal(loop_watch(&loop, &probe.source, EPOLLOUT), 0);
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.events, EPOLLOUT);
	assert_int_equal(probe.calls, 2);
	assert_int_equal(loop_watch(&loop, &probe.source, 0), 0);
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.calls, 2);
	close(ends[1]); /* this is told, whatever was asked for */
	assert_int_equal(loop_poll(&loop), 0);
	assert_int_equal(probe.calls, 3);
	assert_int_equal(probe.events, EPOLLHUP);
	probe_close(&probe);
	loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_reported_as_long_as_it_is_readable),
		cmocka_unit_test(without_timers_a_turn_waits_for_an_event),
		cmocka_unit_test(a_source_that_forgets_itself_is_not_called_again),
		cmocka_unit_test(an_event_of_a_source_that_was_just_forgotten_is_dropped),
		cmocka_unit_test(a_source_that_is_watched_again_is_called_in_the_next_turn),
		cmocka_unit_test(other_events_count_from_now_on),
		cmocka_unit_test(a_forgotten_descriptor_is_silent_even_if_it_lives_on),
		cmocka_unit_test(a_new_source_gets_no_event_of_an_old_one_with_the_same_descriptor),
		cmocka_unit_test(a_source_that_is_used_again_gets_no_event_of_its_past),
		cmocka_unit_test(sources_may_be_freed_in_a_callback),
		cmocka_unit_test(a_loop_leaves_no_descriptor_behind),
		cmocka_unit_test(what_cannot_be_watched_is_an_error_and_stays_unwatched),
		cmocka_unit_test(a_source_gets_the_events_it_asked_for_last),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
