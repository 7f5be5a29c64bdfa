// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_names.c - the resolv.conf of a copy: the host's, without the servers that a copy cannot use.
 */
#include "host/names.h"

#include <string.h>

#include "unit.h"

/* Is a server usable that lies in the network @data, or any server where that is NULL? */
static bool is_in(const struct address *address, void *data)
{
	struct address network;

	if (!data)
		return true;
	assert_true(address_parse(&network, data));
	return address_overlaps(address, &network);
}

static void assert_filtered(const char *text, char *network, bool left, const char *expected)
{
	char filtered[NAMES_TEXT_MAX];

	assert_int_equal(names_filter(text, is_in, network, filtered), left);
	assert_string_equal(filtered, expected);
}

TEST(servers_of_use_and_all_other_lines_stay)
{
	static const char text[] = "# a comment\n"
				   "search example.org example.net\n"
				   "nameserver 192.0.2.1\n"
				   "\n"
				   "nameserver\t2001:db8::1\n"
				   "options edns0 trust-ad\n";

	assert_filtered(text, NULL, true, text);
}

TEST(loopback_servers_go)
{
	assert_filtered("nameserver 127.0.0.53\nnameserver ::1\nnameserver 127.0.0.1\n", NULL,
			false, "");
	assert_filtered("nameserver 127.0.0.53\nsearch a\nnameserver 192.0.2.1\n", NULL, true,
			"search a\nnameserver 192.0.2.1\n");
}

TEST(servers_out_of_reach_go)
{
	char network[] = "192.0.2.0/24";

	assert_filtered("nameserver 198.51.100.1\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n",
			network, true, "nameserver 192.0.2.1\n");
	assert_filtered("nameserver 198.51.100.1\n", network, false, "");
}

TEST(a_server_of_a_zone_is_a_server)
{
	char network[] = "fe80::/10";

	assert_filtered("nameserver fe80::1%eth0\n", network, true, "nameserver fe80::1%eth0\n");
	assert_filtered("nameserver fe80::1%eth0\n", (char[]){"192.0.2.0/24"}, false, "");
}

TEST(without_servers_none_is_left)
{
	assert_filtered("", NULL, false, "");
	assert_filtered("search a\n#nameserver 192.0.2.1\n", NULL, false,
			"search a\n#nameserver 192.0.2.1\n");
}

TEST(a_last_line_without_its_end_counts)
{
	assert_filtered("search a\nnameserver 192.0.2.1", NULL, true,
			"search a\nnameserver 192.0.2.1\n");
}

/* @begin, then @part as often as it takes to fill @size bytes, then a line's end. */
static void text_fill(char *text, size_t size, const char *begin, const char *part)
{
	size_t length = (size_t)snprintf(text, size, "%s", begin);

	while (length + strlen(part) + 2 <= size)
		length += (size_t)snprintf(text + length, size - length, "%s", part);
	snprintf(text + length, size - length, "\n");
}

TEST(a_long_line_stays_as_it_is)
{
	char text[1000];

	text_fill(text, sizeof(text), "search", " a-rather-long-name.example.org");
	assert_filtered(text, NULL, false, text);
}

TEST(what_is_too_long_ends_at_a_line)
{
	char filtered[NAMES_TEXT_MAX + 1], text[3 * NAMES_TEXT_MAX];

	text_fill(text, sizeof(text), "nameserver 192.0.2.1\n", "options edns0\n");
	filtered[NAMES_TEXT_MAX] = '!';
	assert_true(names_filter(text, is_in, NULL, filtered));
	assert_int_equal(filtered[NAMES_TEXT_MAX], '!');
	assert_memory_equal(filtered, text, strlen(filtered));
	assert_int_equal(filtered[strlen(filtered) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_of_use_and_all_other_lines_stay),
		cmocka_unit_test(loopback_servers_go),
		cmocka_unit_test(servers_out_of_reach_go),
		cmocka_unit_test(a_server_of_a_zone_is_a_server),
		cmocka_unit_test(without_servers_none_is_left),
		cmocka_unit_test(a_last_line_without_its_end_counts),
		cmocka_unit_test(a_long_line_stays_as_it_is),
		cmocka_unit_test(what_is_too_long_ends_at_a_line),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
