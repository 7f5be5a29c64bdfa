// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_mountinfo.c - the lines of /proc/self/mountinfo, man 5 proc_pid_mountinfo.
 */
#include "host/mountinfo.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static void assert_parsed(const char *line, const char *key, const char *path)
{
	struct mountinfo_entry entry;

	assert_int_equal(mountinfo_parse(line, &entry), 0);
	assert_string_equal(entry.key, key);
	assert_string_equal(entry.path, path);
	free(entry.key);
	free(entry.path);
}

TEST(a_line_with_and_without_optional_fields)
{
	assert_parsed("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw",
		      "36 98:0 /mnt1 /mnt2", "/mnt2");
	assert_parsed("1 0 0:2 / / rw - rootfs rootfs rw", "1 0:2 / /", "/");
}

TEST(escaped_characters_of_a_path)
{
	assert_parsed("36 35 8:1 / /mnt/a\\040b\\011c\\012d\\134040e rw - ext4 /dev/sda1 rw",
		      "36 8:1 / /mnt/a\\040b\\011c\\012d\\134040e", "/mnt/a b\tc\nd\\040e");
}

TEST(what_is_no_line)
{
	static const char *const garbage[] = {"", "36", "36 35 98:0 /", "\n"};
	struct mountinfo_entry entry;

	for (size_t i = 0; i < COUNT(garbage); i++)
		assert_int_equal(mountinfo_parse(garbage[i], &entry), -EINVAL);
}

TEST(all_mounts_of_this_machine)
{
	struct mountinfo mounts, again;

	assert_int_equal(mountinfo_read(&mounts), 0);
	assert_int_equal(mountinfo_read(&again), 0);
	assert_true(mounts.count > 0);
	for (size_t i = 0; i < mounts.count; i++)
		assert_true(mountinfo_has(&again, mounts.entries[i].key));
	mountinfo_free(&again);
	assert_false(mountinfo_has(&again, mounts.entries[0].key));
	mountinfo_free(&again);
	while (mounts.count) {
		char *key = strdup(mounts.entries[0].key);

		mountinfo_remove(&mounts, 0);
		assert_false(mountinfo_has(&mounts, key));
		free(key);
	}
	mountinfo_free(&mounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_with_and_without_optional_fields),
		cmocka_unit_test(escaped_characters_of_a_path),
		cmocka_unit_test(what_is_no_line),
		cmocka_unit_test(all_mounts_of_this_machine),
	};

	return cmocka_run_group_tests_name("mountinfo", tests, NULL, NULL);
}
