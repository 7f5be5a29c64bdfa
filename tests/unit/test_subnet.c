// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_subnet.c - the choice of a network: our favourite first, then whatever private network no
 * route of the host names, and never one that is taken.
 */
#include "net/subnet.h"

#include <string.h>

#include "unit.h"

enum { TAKEN_MAX = 64 };

/* What subnet_pick() is given, written as in `ip route`; ends with NULL. */
static size_t taken_parse(const char *const *texts, struct address *taken)
{
	size_t count = 0;

	for (; texts[count]; count++)
		assert_true(address_parse(&taken[count], texts[count]));
	return count;
}

static void assert_picks(const char *const *texts, unsigned int prefix, const char *expected)
{
	struct address taken[TAKEN_MAX], picked = {0};
	size_t count = taken_parse(texts, taken);
	char text[ADDRESS_TEXT_MAX];

	assert_true(subnet_pick(taken, count, prefix, &picked));
	assert_string_equal(address_format_network(&picked, text), expected);
}

#define TAKEN(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const NOTHING[] = {NULL};

TEST(an_empty_host_gets_the_favourite)
{
	struct address picked = {0};
	char text[ADDRESS_TEXT_MAX];

	assert_picks(NOTHING, 24, "10.90.0.0/24");
	assert_true(subnet_pick(NULL, 0, 24, &picked));
	assert_string_equal(address_format_network(&picked, text), "10.90.0.0/24");
}

TEST(foreign_networks_do_not_matter)
{
	assert_picks(TAKEN("127.0.0.0/8", "192.168.1.0/24", "169.254.0.0/16", "10.91.0.0/16"), 24,
		     "10.90.0.0/24");
}

TEST(networks_of_the_other_family_do_not_matter)
{
	assert_picks(TAKEN("fd00::/8", "a5a::/32", "::1"), 24, "10.90.0.0/24");
}

TEST(a_taken_one_is_skipped)
{
	assert_picks(TAKEN("10.90.0.0/24"), 24, "10.90.1.0/24");
	assert_picks(TAKEN("10.90.0.0/24", "10.90.1.0/24", "10.90.3.0/24"), 24, "10.90.2.0/24");
}

TEST(one_address_takes_its_whole_network)
{
	assert_picks(TAKEN("10.90.0.77"), 24, "10.90.1.0/24");
	assert_picks(TAKEN("10.90.0.255", "10.90.1.0/31"), 24, "10.90.2.0/24");
}

TEST(a_larger_network_takes_all_in_it)
{
	assert_picks(TAKEN("10.90.0.0/18"), 24, "10.90.64.0/24");
}

TEST(without_the_favourite_corner_it_is_another_one_of_10)
{
	assert_picks(TAKEN("10.90.0.0/16"), 24, "10.0.0.0/24");
	assert_picks(TAKEN("10.90.0.0/16", "10.0.0.0/16"), 24, "10.1.0.0/24");
}

TEST(a_default_route_names_everything_and_does_not_count)
{
	assert_picks(TAKEN("0.0.0.0/0"), 24, "10.90.0.0/24");
}

TEST(a_default_route_in_two_halves_does_not_count)
{
	assert_picks(TAKEN("0.0.0.0/1", "128.0.0.0/1"), 24, "10.90.0.0/24");
	assert_picks(TAKEN("0.0.0.0/1", "128.0.0.0/1", "10.90.0.0/24"), 24, "10.90.1.0/24");
}

TEST(a_route_for_all_of_10_does_count)
{
	assert_picks(TAKEN("10.0.0.0/8"), 24, "172.16.0.0/24");
	assert_picks(TAKEN("10.0.0.0/9", "10.128.0.0/9"), 24, "172.16.0.0/24");
}

TEST(the_last_range_is_192_168)
{
	assert_picks(TAKEN("10.0.0.0/8", "172.16.0.0/12"), 24, "192.168.0.0/24");
	assert_picks(TAKEN("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17"), 24,
		     "192.168.128.0/24");
}

TEST(the_very_last_network_is_found)
{
	assert_picks(TAKEN("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17", "192.168.128.0/18",
			   "192.168.192.0/19", "192.168.224.0/20", "192.168.240.0/21",
			   "192.168.248.0/22", "192.168.252.0/23", "192.168.254.0/24"),
		     24, "192.168.255.0/24");
}

TEST(none_is_left_where_all_three_are_taken)
{
	struct address taken[TAKEN_MAX], picked;
	size_t count = taken_parse(TAKEN("192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12"), taken);

	for (unsigned int prefix = 16; prefix <= 28; prefix++)
		assert_false(subnet_pick(taken, count, prefix, &picked));
}

TEST(none_is_left_where_every_gap_is_too_small)
{
	struct address taken[TAKEN_MAX], picked;
	/* free: 192.168.1.0/24 and 192.168.2.0/24, which are no /23 */
	size_t count =
		taken_parse(TAKEN("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/24", "192.168.3.0/24",
				  "192.168.4.0/22", "192.168.8.0/21", "192.168.16.0/20",
				  "192.168.32.0/19", "192.168.64.0/18", "192.168.128.0/17"),
			    taken);

	assert_true(subnet_pick(taken, count, 24, &picked));
	assert_false(subnet_pick(taken, count, 23, &picked));
}

TEST(larger_networks_are_aligned)
{
	assert_picks(NOTHING, 23, "10.90.0.0/23");
	assert_picks(NOTHING, 22, "10.90.0.0/22");
	assert_picks(NOTHING, 21, "10.90.0.0/21");
	assert_picks(TAKEN("10.90.0.0/24"), 21, "10.90.8.0/21");
	assert_picks(TAKEN("10.90.9.1"), 22, "10.90.0.0/22");
	assert_picks(TAKEN("10.90.1.0/24", "10.90.4.0/24"), 22, "10.90.8.0/22");
}

/* ---- Whatever the host has ---- */

static bool is_private(const struct address *network)
{
	static const char *const ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"};

	for (size_t i = 0; i < COUNT(ranges); i++) {
		struct address range;

		assert_true(address_parse(&range, ranges[i]));
		if (network->prefix >= range.prefix && address_overlaps(&range, network))
			return true;
	}
	return false;
}

static void assert_is_network(const struct address *network)
{
	uint32_t host = 0;

	for (size_t i = 0; i < 4; i++)
		host = host << 8 | network->bytes[i];
	assert_int_equal(host & ((UINT32_C(1) << (32 - network->prefix)) - 1), 0);
}

/* Mostly where we choose from, of any size; now and then a default route. */
static struct address taken_random(struct random_stream *random)
{
	static const struct {
		uint8_t bytes[2];
		uint8_t prefix;
	} near[] = {
		{{10, 90}, 16}, {{10, 90}, 13}, {{10, 0}, 8}, {{172, 16}, 12}, {{192, 168}, 16}};
	uint32_t which = random_below(random, COUNT(near) + 1);
	struct address address = {.family = AF_INET};

	for (size_t i = 0; i < 4; i++)
		address.bytes[i] = (uint8_t)random_next(random);
	if (which == COUNT(near)) {
		address.prefix = (uint8_t)random_below(random, 33);
		return address;
	}
	for (unsigned int bit = 0; bit < near[which].prefix && bit < 16; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		address.bytes[bit / 8] = (uint8_t)((address.bytes[bit / 8] & ~mask) |
						   (near[which].bytes[bit / 8] & mask));
	}
	address.prefix =
		(uint8_t)(near[which].prefix + random_below(random, 33U - near[which].prefix));
	return address;
}

TEST(what_is_picked_is_private_and_free)
{
	enum { SMALLEST_THAT_COUNTS = 8 };
	struct random_stream random = random_start();

	for (int round = 0; round < 2000; round++) {
		unsigned int prefix = 21 + random_below(&random, 4);
		struct address taken[TAKEN_MAX], picked = {0};
		size_t count = random_below(&random, TAKEN_MAX + 1);

		for (size_t i = 0; i < count; i++)
			taken[i] = taken_random(&random);
		if (!subnet_pick(taken, count, prefix, &picked))
			continue;
		assert_int_equal(picked.family, AF_INET);
		assert_int_equal(picked.prefix, prefix);
		assert_is_network(&picked);
		assert_true(is_private(&picked));
		for (size_t i = 0; i < count; i++)
			if (taken[i].prefix >= SMALLEST_THAT_COUNTS)
				assert_false(address_overlaps(&taken[i], &picked));
	}
}

TEST(every_network_of_a_range_is_found_in_the_end)
{
	/* All but 192.168.0.0/16 is taken; then what was picked is taken as well. */
	struct address taken[2 + 256];
	size_t count = taken_parse(TAKEN("10.0.0.0/8", "172.16.0.0/12"), taken);

	for (int i = 0; i < 256; i++, count++)
		assert_true(subnet_pick(taken, count, 24, &taken[count]));
	assert_false(subnet_pick(taken, count, 24, &(struct address){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_host_gets_the_favourite),
		cmocka_unit_test(foreign_networks_do_not_matter),
		cmocka_unit_test(networks_of_the_other_family_do_not_matter),
		cmocka_unit_test(a_taken_one_is_skipped),
		cmocka_unit_test(one_address_takes_its_whole_network),
		cmocka_unit_test(a_larger_network_takes_all_in_it),
		cmocka_unit_test(without_the_favourite_corner_it_is_another_one_of_10),
		cmocka_unit_test(a_default_route_names_everything_and_does_not_count),
		cmocka_unit_test(a_default_route_in_two_halves_does_not_count),
		cmocka_unit_test(a_route_for_all_of_10_does_count),
		cmocka_unit_test(the_last_range_is_192_168),
		cmocka_unit_test(the_very_last_network_is_found),
		cmocka_unit_test(none_is_left_where_all_three_are_taken),
		cmocka_unit_test(none_is_left_where_every_gap_is_too_small),
		cmocka_unit_test(larger_networks_are_aligned),
		cmocka_unit_test(what_is_picked_is_private_and_free),
		cmocka_unit_test(every_network_of_a_range_is_found_in_the_end),
	};

	return cmocka_run_group_tests_name("subnet", tests, NULL, NULL);
}
