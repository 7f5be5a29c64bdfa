// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_plan.c - which plans can be carried out: number of copies, ports, directory; and what a user
 * is told to open.
 */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include "unit.h"

static char program[] = "/bin/true";
static char *const argv[] = {program, NULL};

/* A plan that nothing is wrong with. */
static struct plan plan_good(void)
{
	return (struct plan){
		.directory = "/home/user/project",
		.argv = argv,
		.copies = 2,
		.protocol = IPPROTO_TCP,
		.copy_port = 8080,
		.first_host_port = 8081,
	};
}

static int check_copies(unsigned int copies)
{
	struct plan plan = plan_good();

	plan.copies = copies;
	return plan_check(&plan);
}

static int check_ports(uint16_t copy_port, uint16_t first_host_port, unsigned int copies)
{
	struct plan plan = plan_good();

	plan.copy_port = copy_port;
	plan.first_host_port = first_host_port;
	plan.copies = copies;
	return plan_check(&plan);
}

static int check_directory(const char *directory)
{
	struct plan plan = plan_good();

	plan.directory = directory;
	return plan_check(&plan);
}

TEST(a_good_plan_passes)
{
	struct plan plan = plan_good();

	assert_int_equal(plan_check(&plan), 0);
}

TEST(there_is_a_copy_at_least)
{
	assert_int_equal(check_copies(0), -EINVAL);
	assert_int_equal(check_copies(1), 0);
}

TEST(there_are_no_more_copies_than_ports_of_a_bridge)
{
	assert_int_equal(check_copies(1000), 0);
	assert_int_equal(check_copies(1023), 0);
	assert_int_equal(check_copies(1024), -EINVAL);
	assert_int_equal(check_copies(65535), -EINVAL);
	assert_int_equal(check_copies(UINT_MAX), -EINVAL);
}

TEST(port_0_is_no_port)
{
	assert_int_equal(check_ports(0, 8081, 2), -EINVAL);
	assert_int_equal(check_ports(8080, 0, 2), -EINVAL);
	assert_int_equal(check_ports(1, 1, 2), 0);
	assert_int_equal(check_ports(65535, 8081, 2), 0);
}

TEST(the_last_host_port_is_65535_at_most)
{
	assert_int_equal(check_ports(8080, 65535, 1), 0);
	assert_int_equal(check_ports(8080, 65535, 2), -EINVAL);
	assert_int_equal(check_ports(8080, 65534, 2), 0);
	assert_int_equal(check_ports(8080, 65535 - 999, 1000), 0);
	assert_int_equal(check_ports(8080, 65535 - 998, 1000), -EINVAL);
}

TEST(host_ports_follow_each_other)
{
	struct plan plan = plan_good();

	assert_int_equal(plan_host_port(&plan, 1), 8081);
	assert_int_equal(plan_host_port(&plan, 2), 8082);
	plan.first_host_port = 65535;
	assert_int_equal(plan_host_port(&plan, 1), 65535);
}

TEST(a_directory_is_absolute)
{
	assert_int_equal(check_directory(""), -EINVAL);
	assert_int_equal(check_directory("."), -EINVAL);
	assert_int_equal(check_directory("home/user"), -EINVAL);
	assert_int_equal(check_directory("/home/user"), 0);
	assert_int_equal(check_directory("/home/with blanks/and ünïcode"), 0);
}

TEST(a_private_place_is_no_directory_for_a_plan_but_one_below_it_is)
{
	static const char *const private[] = {"/tmp", "/var/tmp", "/run", "/dev/shm"};

	for (size_t i = 0; i < COUNT(private); i++) {
		char below[PATH_MAX];

		assert_int_equal(check_directory(private[i]), -EINVAL);
		snprintf(below, sizeof(below), "%s/project", private[i]);
		assert_int_equal(check_directory(below), 0);
	}
	assert_int_equal(check_directory("/dev"), -EINVAL);
	assert_int_equal(check_directory("/tmpfoo"), 0);
	assert_int_equal(check_directory("/home/tmp"), 0);
}

/* The undo log has a line for each directory (undo.h). */
TEST(a_directory_has_no_line_break)
{
	assert_int_equal(check_directory("/home/user\n/project"), -EINVAL);
	assert_int_equal(check_directory("/home/user\n"), -EINVAL);
}

TEST(a_directory_leaves_room_for_what_lies_below_it)
{
	char path[PATH_MAX + 64], longest[PATH_MAX + 128];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[PATH_MAX - 1] = '\0'; /* itself it would just be a path */
	assert_int_equal(check_directory(path), -EINVAL);
	path[3000] = '\0';
	assert_int_equal(check_directory(path), 0);

	for (size_t length = 3000; length < PATH_MAX; length++) {
		memset(path, 'a', length);
		path[0] = '/';
		path[length] = '\0';
		if (check_directory(path) != 0)
			break;
		snprintf(longest, sizeof(longest), "%s/copies/1023/files", path);
		assert_true(strlen(longest) < PATH_MAX);
	}
}

static void assert_url(const struct plan *plan, unsigned int number, const char *expected)
{
	char url[PLAN_URL_MAX];

	plan_format_url(plan, number, url);
	assert_string_equal(url, expected);
}

TEST(a_url_has_the_scheme_and_the_host_port)
{
	struct plan plan = plan_good();

	plan.scheme = "http";
	assert_url(&plan, 1, "http://localhost:8081/");
	assert_url(&plan, 2, "http://localhost:8082/");
}

TEST(without_a_scheme_it_is_host_and_port)
{
	struct plan plan = plan_good();

	plan.first_host_port = 65535;
	assert_url(&plan, 1, "localhost:65535");
}

TEST(any_url_fits)
{
	struct plan plan = plan_good();
	char scheme[4 * PLAN_URL_MAX], url[PLAN_URL_MAX];

	memset(scheme, 's', sizeof(scheme));
	scheme[sizeof(scheme) - 1] = '\0';
	plan.scheme = scheme;
	plan_format_url(&plan, 2, url);
	assert_true(strnlen(url, sizeof(url)) < sizeof(url));
	assert_non_null(strstr(url, "://localhost:8082/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_plan_passes),
		cmocka_unit_test(there_is_a_copy_at_least),
		cmocka_unit_test(there_are_no_more_copies_than_ports_of_a_bridge),
		cmocka_unit_test(port_0_is_no_port),
		cmocka_unit_test(the_last_host_port_is_65535_at_most),
		cmocka_unit_test(host_ports_follow_each_other),
		cmocka_unit_test(a_directory_is_absolute),
		cmocka_unit_test(a_private_place_is_no_directory_for_a_plan_but_one_below_it_is),
		cmocka_unit_test(a_directory_has_no_line_break),
		cmocka_unit_test(a_directory_leaves_room_for_what_lies_below_it),
		cmocka_unit_test(a_url_has_the_scheme_and_the_host_port),
		cmocka_unit_test(without_a_scheme_it_is_host_and_port),
		cmocka_unit_test(any_url_fits),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
