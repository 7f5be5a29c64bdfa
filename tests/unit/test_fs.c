// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_fs.c - which directories the private /tmp of a copy would hide.
 */
#include "copy/fs.h"

#include "unit.h"

TEST(what_lies_below_tmp_is_hidden)
{
	assert_string_equal(fs_hidden_below_tmp("/tmp/project"), "project");
	assert_string_equal(fs_hidden_below_tmp("/tmp/a/b"), "a/b");
	assert_string_equal(fs_hidden_below_tmp("/tmp/tmp/a"), "tmp/a");
}

TEST(what_lies_elsewhere_is_not)
{
	assert_null(fs_hidden_below_tmp("/"));
	assert_null(fs_hidden_below_tmp("/tmp"));
	assert_null(fs_hidden_below_tmp("/tmpfoo/a"));
	assert_null(fs_hidden_below_tmp("/var/tmp/a"));
	assert_null(fs_hidden_below_tmp("/home/tmp/a"));
	assert_null(fs_hidden_below_tmp("/home/user/tmp/project"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_below_tmp_is_hidden),
		cmocka_unit_test(what_lies_elsewhere_is_not),
	};

	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
