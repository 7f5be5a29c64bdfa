// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_remembered.c - the text that remembers free host ports, and who gets which of them.
 */
#include <errno.h>
#include <netinet/in.h>

#include "portmux/remembered.h"
#include "unit.h"

static struct remembered parsed(const char *text)
{
	struct remembered remembered;

	assert_int_equal(remembered_parse(&remembered, text), 0);
	return remembered;
}

static uint16_t take(struct remembered *remembered, unsigned int copy, const char *address,
		     uint16_t port, uint8_t protocol)
{
	struct remembered_port like = {.copy = copy, .port = port, .protocol = protocol};
	const struct remembered_port *taken;

	if (address)
		assert_true(address_parse(&like.address, address));
	taken = remembered_take(remembered, &like);
	assert_non_null(taken);
	return taken->host_port;
}

TEST(each_line_is_one_port_of_one_copy)
{
	struct remembered remembered = parsed("# a comment\n"
					      "1 * 3000 tcp 40001\n"
					      "1023 * 3000 tcp 65535\n"
					      "\n"
					      "1 * 3000 udp 40003\n"
					      "1 127.0.0.1 3000 tcp 1024\n"
					      "1 2001:db8::1 65535 tcp 40005");

	assert_int_equal(remembered.count, 5);
	assert_int_equal(take(&remembered, 1, "2001:db8::1", 65535, IPPROTO_TCP), 40005);
	assert_int_equal(take(&remembered, 1, "127.0.0.1", 3000, IPPROTO_TCP), 1024);
	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_UDP), 40003);
	assert_int_equal(take(&remembered, 1023, NULL, 3000, IPPROTO_TCP), 65535);
	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_TCP), 40001);
	assert_int_equal(remembered.count, 5);
	remembered_free(&remembered);
}

TEST(who_is_not_there_is_added)
{
	struct remembered remembered = parsed("1 * 3000 tcp 40001\n");

	assert_int_equal(take(&remembered, 2, NULL, 3000, IPPROTO_TCP), 0);
	assert_int_equal(take(&remembered, 1, NULL, 3001, IPPROTO_TCP), 0);
	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_UDP), 0);
	assert_int_equal(take(&remembered, 1, "127.0.0.1", 3000, IPPROTO_TCP), 0);
	assert_int_equal(remembered.count, 5);
	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_TCP), 40001);
	assert_int_equal(remembered.count, 5);
	remembered_free(&remembered);
}

TEST(two_mappings_of_the_same_port_get_one_each)
{
	struct remembered remembered = parsed("1 * 3000 tcp 40001\n1 * 3000 tcp 40002\n");

	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_TCP), 40001);
	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_TCP), 40002);
	assert_int_equal(take(&remembered, 1, NULL, 3000, IPPROTO_TCP), 0);
	remembered_free(&remembered);
}

TEST(one_bad_line_makes_the_whole_text_worthless)
{
	static const char *const lines[] = {
		"ports",
		"1",
		"1 *",
		"1 * 3000",
		"1 * 3000 tcp",
		"1 * 3000 tcp 40001x",
		"1 * 3000 tcp 40001 7",
		"0 * 3000 tcp 40001",
		"1024 * 3000 tcp 40001",
		"-1 * 3000 tcp 40001",
		"1 * 0 tcp 40001",
		"1 * 65536 tcp 40001",
		"1 * 3000 tcp 0",
		"1 * 3000 tcp 1023",
		"1 * 3000 tcp 65536",
		"1 * 3000 tcp 140001",
		"1 * 3000 tcp -25535",
		"1 * 3000 sctp 40001",
		"1 * 3000 tc 40001",
		"1 localhost 3000 tcp 40001",
		"1 127.0.0.0/8 3000 tcp 40001",
		"1 [::1] 3000 tcp 40001",
		"1 **************************************************************** 3000 tcp 40001",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct remembered remembered;
		char text[256];

		snprintf(text, sizeof(text), "1 * 80 tcp 40000\n%s\n1 * 81 tcp 40002\n", lines[i]);
		print_message("%s\n", lines[i]);
		assert_int_equal(remembered_parse(&remembered, text), -EINVAL);
		assert_null(remembered.ports);
		assert_int_equal(remembered.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_one_port_of_one_copy),
		cmocka_unit_test(who_is_not_there_is_added),
		cmocka_unit_test(two_mappings_of_the_same_port_get_one_each),
		cmocka_unit_test(one_bad_line_makes_the_whole_text_worthless),
	};

	return cmocka_run_group_tests_name("remembered", tests, NULL, NULL);
}
