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

/* The port of the plan that the test is about. */
static struct plan_port port;

/* A plan that nothing is wrong with. */
static struct plan plan_good(void)
{
	port = (struct plan_port){
		.protocol = IPPROTO_TCP, .copy_port = 8080, .first_host_port = 8081};
	return (struct plan){
		.table = "uva_test",
		.bridge = "uva",
		.directory = "/home/user/project",
		.places = "/home/user/project/copies",
		.argv = argv,
		.copies = 2,
		.ports = &port,
		.port_count = 1,
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

	port.copy_port = copy_port;
	port.first_host_port = first_host_port;
	plan.copies = copies;
	return plan_check(&plan);
}

static int check_directory(const char *directory)
{
	char places[2 * PATH_MAX];
	struct plan plan = plan_good();

	snprintf(places, sizeof(places), "%s/copies", directory);
	plan.directory = directory;
	plan.places = places;
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
	plan_good();
	assert_int_equal(plan_host_port(&port, 1), 8081);
	assert_int_equal(plan_host_port(&port, 2), 8082);
	port.first_host_port = 65535;
	assert_int_equal(plan_host_port(&port, 1), 65535);
}

TEST(a_host_port_is_named_once)
{
	struct plan_port ports[] = {
		{.protocol = IPPROTO_TCP, .copy_port = 8080, .first_host_port = 8081},
		{.protocol = IPPROTO_TCP, .copy_port = 9090, .first_host_port = 8083},
		{.protocol = IPPROTO_UDP, .copy_port = 53, .first_host_port = 8081},
	};
	struct plan plan = plan_good();

	plan.ports = ports;
	plan.port_count = COUNT(ports);
	assert_int_equal(plan_check(&plan), 0);
	plan.copies = 3; /* the first one's are 8081 to 8083 */
	assert_int_equal(plan_check(&plan), -EINVAL);
	ports[1].first_host_port = 8080;
	plan.copies = 2;
	assert_int_equal(plan_check(&plan), -EINVAL);
	plan.copies = 1;
	assert_int_equal(plan_check(&plan), 0);
}

TEST(a_plan_without_ports_is_one)
{
	struct plan plan = plan_good();

	plan.port_count = 0;
	assert_int_equal(plan_check(&plan), 0);
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

	port.first_host_port = 65535;
	assert_url(&plan, 1, "localhost:65535");
}

TEST(a_url_names_the_address_of_a_port_that_has_one)
{
	struct plan plan = plan_good();
	char url[PLAN_URL_MAX];

	plan.scheme = "http";
	assert_true(address_parse(&port.address, "192.0.2.1"));
	plan_format_url(&plan, 1, url);
	assert_string_equal(url, "http://192.0.2.1:8081/");
	assert_true(address_parse(&port.address, "::1"));
	plan_format_url(&plan, 1, url);
	assert_string_equal(url, "http://[::1]:8081/");
	plan.scheme = NULL;
	plan_format_url(&plan, 1, url);
	assert_string_equal(url, "[::1]:8081");
	assert_true(address_parse(&port.address, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"));
	port.first_host_port = 65535;
	plan.scheme = "a-scheme-of-many-characters";
	plan_format_url(&plan, 1, url);
	assert_string_equal(url,
			    "a-scheme-of-many://[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535/");
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

static void assert_expands(const char *text, const char *expected)
{
	struct plan plan = plan_good();
	char expanded[PLAN_TEXT_MAX];

	plan.scheme = "http";
	plan_expand(&plan, text, 12, expanded);
	assert_string_equal(expanded, expected);
}

TEST(texts_tell_number_and_url)
{
	assert_expands("", "");
	assert_expands("copies/{copy}/files", "copies/12/files");
	assert_expands("{copy}: {url}{url}", "12: http://localhost:8092/http://localhost:8092/");
	assert_expands("{cop} {copy {} {unknown}", "{cop} {copy {} {unknown}");
	assert_expands("{{copy}}", "{12}");
	assert_expands("100% %s", "100% %s");
}

TEST(any_text_fits)
{
	char text[4 * PLAN_TEXT_MAX], expanded[PLAN_TEXT_MAX];
	struct plan plan = plan_good();

	for (size_t length = 0; length < sizeof(text) - 8; length++) {
		memset(text, 'x', length);
		memcpy(text + length, "{url}", sizeof("{url}"));
		plan_expand(&plan, text, 1, expanded);
		assert_true(strnlen(expanded, sizeof(expanded)) < sizeof(expanded));
		assert_int_equal(strspn(expanded, "x"),
				 length < PLAN_TEXT_MAX - 1 ? length : PLAN_TEXT_MAX - 1);
	}
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
		cmocka_unit_test(a_host_port_is_named_once),
		cmocka_unit_test(a_plan_without_ports_is_one),
		cmocka_unit_test(a_directory_is_absolute),
		cmocka_unit_test(a_private_place_is_no_directory_for_a_plan_but_one_below_it_is),
		cmocka_unit_test(a_directory_has_no_line_break),
		cmocka_unit_test(a_directory_leaves_room_for_what_lies_below_it),
		cmocka_unit_test(a_url_has_the_scheme_and_the_host_port),
		cmocka_unit_test(without_a_scheme_it_is_host_and_port),
		cmocka_unit_test(a_url_names_the_address_of_a_port_that_has_one),
		cmocka_unit_test(any_url_fits),
		cmocka_unit_test(texts_tell_number_and_url),
		cmocka_unit_test(any_text_fits),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
