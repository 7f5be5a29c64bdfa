// SPDX-License-Identifier: GPL-2.0-or-later
/* The pools of src/base/pool.c. With a sanitizer, they are malloc(), and a child has them, too. */
#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pool.h"
#include "unit.h"

enum { MANY = 1000 };

struct thing {
	unsigned int number;
	char text[101];
};

static bool is_zero(const struct thing *thing)
{
	const unsigned char *bytes = (const unsigned char *)thing;

	for (size_t i = 0; i < sizeof(*thing); i++)
		if (bytes[i])
			return false;
	return true;
}

TEST(objects_are_zeroed_and_apart)
{
	static struct pool pool = POOL_OF(struct thing);
	struct thing *things[MANY];

	for (unsigned int i = 0; i < MANY; i++) {
		things[i] = pool_take(&pool);
		assert_non_null(things[i]);
		assert_int_equal((uintptr_t)things[i] % alignof(max_align_t), 0);
		assert_true(is_zero(things[i]));
		memset(things[i], 0xff, sizeof(*things[i]));
		things[i]->number = i;
	}
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(things[i]->number, i);
		pool_give(&pool, things[i]);
	}
}

TEST(one_can_be_larger_than_a_block)
{
	static struct pool pool = POOL_OF(char[1 << 20]);
	char *objects[] = {pool_take(&pool), pool_take(&pool)};

	for (size_t i = 0; i < COUNT(objects); i++) {
		assert_int_equal(objects[i][pool.size - 1], 0);
		memset(objects[i], 1 + (int)i, pool.size);
	}
	for (size_t i = 0; i < COUNT(objects); i++) {
		assert_int_equal(objects[i][0], 1 + i);
		assert_int_equal(objects[i][pool.size - 1], 1 + i);
		pool_give(&pool, objects[i]);
	}
}

TEST(what_was_given_back_is_used_again_and_zeroed)
{
	static struct pool pool = POOL_OF(struct thing);
	struct thing *things[MANY];

	for (unsigned int turn = 0; turn < 3; turn++) {
		for (unsigned int i = 0; i < MANY; i++) {
			things[i] = pool_take(&pool);
			assert_true(is_zero(things[i]));
			memset(things[i], 0xff, sizeof(*things[i]));
		}
		for (unsigned int i = 0; i < MANY; i++)
			pool_give(&pool, things[i]);
	}
	pool_give(&pool, NULL);
}

#ifndef __SANITIZE_ADDRESS__
/* Is there memory at this address? */
static bool is_mapped(void *address)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	char *begin = (char *)address - (uintptr_t)address % page;

	return msync(begin, 1, MS_ASYNC) == 0 || errno != ENOMEM;
}

TEST(a_child_has_none_of_them)
{
	static struct pool pools[] = {POOL_OF(struct thing), POOL_OF(max_align_t)};
	struct thing *things[MANY];
	max_align_t *other = pool_take(&pools[1]);
	bool is_left;
	int status;
	pid_t pid;

	for (size_t i = 0; i < MANY; i++)
		things[i] = pool_take(&pools[0]);
	things[0]->number = 7;
	pid = fork();
	if (pid == 0) {
		is_left = is_mapped(other);
		for (size_t i = 0; i < MANY; i++)
			is_left = is_left || is_mapped(things[i]);
		_exit(is_left);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(things[0]->number, 7);
	assert_true(is_mapped(other));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_and_apart),
		cmocka_unit_test(one_can_be_larger_than_a_block),
		cmocka_unit_test(what_was_given_back_is_used_again_and_zeroed),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(a_child_has_none_of_them),
#endif
	};

	/* qemu-user does not heed MADV_DONTFORK. */
	if (getenv("UNIT_UNDER_QEMU"))
		cmocka_set_skip_filter("a_child_has_none_of_them");
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
