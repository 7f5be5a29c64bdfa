/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit.h - what every unit test needs: cmocka, and a few lines around it.
 *
 * In a forked child cmocka's assertions must not be used, they would go on with the next test
 * there: a child says how it went by the status that it passes to _exit(2).
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** TEST() - the head of a test function. */
#define TEST(name) static void name(void **state __attribute__((unused)))

/** A stream of numbers that its seed repeats (splitmix64). */
struct random_stream {
	uint64_t state;
};

/** random_start() - a stream from the seed in UNIT_SEED, else from a new one; says which. */
static inline struct random_stream random_start(void)
{
	const char *given = getenv("UNIT_SEED");
	uint32_t seed = 0;

	if (given)
		seed = (uint32_t)strtoul(given, NULL, 10);
	else
		assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	print_message("[   SEED   ] %u (UNIT_SEED=%u repeats it)\n", seed, seed);
	return (struct random_stream){.state = seed};
}

static inline uint64_t random_next(struct random_stream *stream)
{
	uint64_t z = stream->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/** random_below() - a number from 0 to @limit - 1. */
static inline uint32_t random_below(struct random_stream *stream, uint32_t limit)
{
	return (uint32_t)(random_next(stream) % limit);
}

/** fds_count() - how many descriptors this process has open. */
static inline size_t fds_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 3; /* ".", ".." and the descriptor of @directory */
}

/** child_run() - run @body in a child. Return: the status that it returned, -1 for another end. */
static inline int child_run(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
