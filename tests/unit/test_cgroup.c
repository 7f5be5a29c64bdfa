// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_cgroup.c - what is written to the files of a copy's control group. Plain files stand in for
 * them.
 */
#include "host/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "unit.h"

static const char *const FILES[] = {"pids.max", "memory.max", "memory.swap.max", "cpu.max",
				    "memory.oom.group"};

/* A group with that of copy 1 in it, whose files are empty. */
static struct cgroup group_new(struct cgroup_limits limits)
{
	struct cgroup cgroup = {.limits = limits};
	char path[64] = "/tmp/test_cgroup.XXXXXX";
	int copy;

	assert_non_null(mkdtemp(path));
	cgroup.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(cgroup.path, sizeof(cgroup.path), "%s", path);
	assert_int_equal(mkdirat(cgroup.directory, "copy-1", 0755), 0);
	copy = openat(cgroup.directory, "copy-1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < COUNT(FILES); i++)
		close(openat(copy, FILES[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	close(copy);
	return cgroup;
}

static void group_free(struct cgroup *cgroup)
{
	for (size_t i = 0; i < COUNT(FILES); i++) {
		char path[64];

		snprintf(path, sizeof(path), "copy-1/%s", FILES[i]);
		unlinkat(cgroup->directory, path, 0);
	}
	unlinkat(cgroup->directory, "copy-1", AT_REMOVEDIR);
	assert_int_equal(rmdir(cgroup->path), 0);
	cgroup_close(cgroup);
}

static void assert_file(const struct cgroup *cgroup, const char *name, const char *expected)
{
	char path[64], text[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "copy-1/%s", name);
	fd = openat(cgroup->directory, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
	close(fd);
}

static void make(const struct cgroup *cgroup)
{
	int fd;

	assert_int_equal(cgroup_make(cgroup, 1, &fd), 0);
	assert_true(fd >= 0);
	close(fd);
}

TEST(without_limits_there_is_one_of_processes)
{
	struct cgroup cgroup = group_new((struct cgroup_limits){0});

	make(&cgroup);
	assert_file(&cgroup, "pids.max", "2048");
	assert_file(&cgroup, "memory.oom.group", "1");
	assert_file(&cgroup, "memory.max", "");
	assert_file(&cgroup, "memory.swap.max", "");
	assert_file(&cgroup, "cpu.max", "");
	group_free(&cgroup);
}

TEST(each_limit_is_written)
{
	struct cgroup cgroup = group_new((struct cgroup_limits){
		.memory_max = 5368709120, .cpu_per_mille = 1500, .pids_max = 33});

	make(&cgroup);
	assert_file(&cgroup, "pids.max", "33");
	assert_file(&cgroup, "memory.oom.group", "1");
	assert_file(&cgroup, "memory.max", "5368709120");
	assert_file(&cgroup, "memory.swap.max", "5368709120");
	assert_file(&cgroup, "cpu.max", "150000 100000");
	group_free(&cgroup);
}

/* The kernel refuses a quota below 1 ms, and a period above 1 s. */
TEST(a_small_part_of_a_processor_is_one_of_a_longer_time)
{
	static const struct {
		unsigned int per_mille;
		const char *expected;
	} cases[] = {{1, "1000 1000000"}, {9, "9000 1000000"}, {10, "1000 100000"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cgroup cgroup =
			group_new((struct cgroup_limits){.cpu_per_mille = cases[i].per_mille});

		make(&cgroup);
		assert_file(&cgroup, "cpu.max", cases[i].expected);
		group_free(&cgroup);
	}
}

TEST(a_kernel_that_does_not_count_swap_will_do)
{
	struct cgroup cgroup = group_new((struct cgroup_limits){.memory_max = 4096});

	assert_int_equal(unlinkat(cgroup.directory, "copy-1/memory.swap.max", 0), 0);
	make(&cgroup);
	assert_file(&cgroup, "memory.max", "4096");
	group_free(&cgroup);
}

TEST(a_limit_that_cannot_be_set_is_an_error)
{
	struct cgroup cgroup = group_new((struct cgroup_limits){.cpu_per_mille = 500});
	int fd;

	assert_int_equal(unlinkat(cgroup.directory, "copy-1/cpu.max", 0), 0);
	assert_int_equal(cgroup_make(&cgroup, 1, &fd), -ENOENT);
	assert_int_equal(fd, -1);
	group_free(&cgroup);
}

TEST(without_a_group_a_copy_gets_none)
{
	struct cgroup cgroup = CGROUP_NONE;
	int fd = 0;

	assert_int_equal(cgroup_make(&cgroup, 1, &fd), 0);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_limits_there_is_one_of_processes),
		cmocka_unit_test(each_limit_is_written),
		cmocka_unit_test(a_small_part_of_a_processor_is_one_of_a_longer_time),
		cmocka_unit_test(a_kernel_that_does_not_count_swap_will_do),
		cmocka_unit_test(a_limit_that_cannot_be_set_is_an_error),
		cmocka_unit_test(without_a_group_a_copy_gets_none),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
