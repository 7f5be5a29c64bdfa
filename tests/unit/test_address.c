// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_address.c - addresses from text and back, counted on, and compared, in both families; the
 * arithmetic of prefixes against a reference that looks at one bit after the other.
 */
#include "net/address.h"

#include <string.h>

#include "unit.h"

static struct address parsed(const char *text)
{
	struct address address = {0};

	if (!address_parse(&address, text))
		fail_msg("not parsed: %s", text);
	return address;
}

static void assert_address(const struct address *address, const char *expected)
{
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format_network(address, text), expected);
}

static void assert_nth(const char *network, uint32_t n, const char *expected)
{
	const struct address base = parsed(network);
	const struct address nth = address_nth(&base, n);

	assert_address(&nth, expected);
}

static bool overlap(const char *one, const char *other)
{
	const struct address a = parsed(one), b = parsed(other);

	assert_int_equal(address_overlaps(&a, &b), address_overlaps(&b, &a));
	return address_overlaps(&a, &b);
}

TEST(parses_ipv4)
{
	const struct address address = parsed("10.90.0.1/20");

	assert_int_equal(address.family, AF_INET);
	assert_int_equal(address.prefix, 20);
	assert_memory_equal(address.bytes, "\x0a\x5a\x00\x01", 4);
	assert_int_equal(address_length(&address), 4);
}

TEST(parses_ipv6)
{
	const struct address address = parsed("fd00::1:2/127");

	assert_int_equal(address.family, AF_INET6);
	assert_int_equal(address.prefix, 127);
	assert_memory_equal(address.bytes, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x02", 16);
	assert_int_equal(address_length(&address), 16);
}

TEST(without_a_prefix_it_is_the_full_length)
{
	assert_int_equal(parsed("10.90.0.1").prefix, 32);
	assert_int_equal(parsed("fd00::1").prefix, 128);
}

TEST(takes_the_shortest_and_the_longest_prefix)
{
	assert_int_equal(parsed("0.0.0.0/0").prefix, 0);
	assert_int_equal(parsed("10.0.0.0/32").prefix, 32);
	assert_int_equal(parsed("::/0").prefix, 0);
	assert_int_equal(parsed("::1/128").prefix, 128);
}

TEST(refuses_what_is_no_address)
{
	static const char *const texts[] = {
		"",
		"/",
		"/24",
		"10",
		"10.90.0",
		"10.90.0.256",
		"10.90.0.0.0",
		" 10.90.0.0",
		"10.90.0.0 ",
		"10.90.0.0/",
		"10.90.0.0/33",
		"10.90.0.0/24 ",
		"10.90.0.0/24/24",
		"10.90.0.0/x",
		"10.90.0.0/99999999999999999999",
		":",
		"fd00:::1",
		"fd00::1/129",
		"fd00::1/",
		"fd00::g",
		"fe80::1%eth0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
		"00000000000000000000000000000000000000000000000000000000000000001::",
		"localhost",
	};
	const struct address untouched = {.family = AF_UNIX, .prefix = 77, .bytes = {1, 2, 3}};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct address address = untouched;

		if (address_parse(&address, texts[i]))
			fail_msg("parsed: \"%s\"", texts[i]);
		assert_memory_equal(&address, &untouched, sizeof(address));
	}
}

TEST(refuses_a_prefix_that_is_not_digits_alone)
{
	static const char *const texts[] = {
		"10.90.0.0/ 24", "10.90.0.0/+24",
		"10.90.0.0/-0",  "10.90.0.0/-18446744073709551592", /* 24 modulo 2^64 */
		"fd00::/\t64",
	};
	struct address address;

	for (size_t i = 0; i < COUNT(texts); i++)
		if (address_parse(&address, texts[i]))
			fail_msg("parsed: \"%s\"", texts[i]);
}

TEST(formats_without_and_with_prefix)
{
	static const char *const texts[] = {"0.0.0.0", "255.255.255.255", "10.90.0.2",
					    "::",      "fd00:0:0:1::",    "::ffff:192.0.2.1"};
	char text[ADDRESS_TEXT_MAX], network[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct address address = parsed(texts[i]);

		assert_ptr_equal(address_format(&address, text), text);
		assert_string_equal(text, texts[i]);
		snprintf(network, sizeof(network), "%s/%d", texts[i],
			 address.family == AF_INET ? 32 : 128);
		assert_address(&address, network);
	}
}

TEST(the_longest_text_fits)
{
	static const char longest[] = "1111:2222:3333:4444:5555:6666:7777:8888/128";
	const struct address address = parsed(longest);

	assert_address(&address, longest);
}

TEST(nth_is_the_network_itself_for_0)
{
	assert_nth("10.90.0.0/24", 0, "10.90.0.0/24");
	assert_nth("fd00::/64", 0, "fd00::/64");
}

TEST(nth_carries_in_ipv4)
{
	assert_nth("10.90.0.0/24", 255, "10.90.0.255/24");
	assert_nth("10.90.0.0/16", 256, "10.90.1.0/16");
	assert_nth("10.90.255.0/8", 0x100, "10.91.0.0/8");
	assert_nth("10.0.0.0/8", 0xffffff, "10.255.255.255/8");
	assert_nth("10.90.3.255/16", 1, "10.90.4.0/16");
	assert_nth("0.0.0.0/0", UINT32_MAX, "255.255.255.255/0");
}

TEST(nth_carries_in_ipv6)
{
	assert_nth("fd00::/64", 0x10000, "fd00::1:0/64");
	assert_nth("fd00::/64", UINT32_MAX, "fd00::ffff:ffff/64");
	assert_nth("fd00::ffff:ffff/64", 1, "fd00::1:0:0/64");
	assert_nth("fd00::ffff:ffff:ffff/64", 2, "fd00::1:0:0:1/64");
}

TEST(overlap_in_ipv4)
{
	assert_true(overlap("10.90.0.0/24", "10.90.0.0/24"));
	assert_true(overlap("10.0.0.0/8", "10.90.0.0/24"));
	assert_true(overlap("10.90.0.7", "10.90.0.0/24"));
	assert_true(overlap("0.0.0.0/0", "10.90.0.0/24"));
	assert_false(overlap("10.90.0.0/24", "10.90.1.0/24"));
	assert_false(overlap("10.90.0.1", "10.90.0.2"));
}

TEST(overlap_at_odd_prefixes)
{
	assert_true(overlap("10.90.4.0/22", "10.90.7.0/24"));
	assert_false(overlap("10.90.4.0/22", "10.90.8.0/24"));
	assert_true(overlap("128.0.0.0/1", "192.168.0.0/16"));
	assert_false(overlap("0.0.0.0/1", "192.168.0.0/16"));
	assert_false(overlap("10.90.0.0/31", "10.90.0.2/31"));
	assert_true(overlap("172.16.0.0/12", "172.31.255.255"));
	assert_false(overlap("172.16.0.0/12", "172.32.0.0"));
}

TEST(overlap_in_ipv6)
{
	assert_true(overlap("fd00::/8", "fd12:3456::/32"));
	assert_true(overlap("fc00::/7", "fd00::/8"));
	assert_false(overlap("fd00::/64", "fd00:0:0:1::/64"));
	assert_true(overlap("fd00::2/127", "fd00::3"));
	assert_false(overlap("fd00::2/127", "fd00::4"));
	assert_true(overlap("::1", "::1"));
}

TEST(families_never_overlap)
{
	assert_false(overlap("0.0.0.0/0", "::/0"));
	assert_false(overlap("10.0.0.0/8", "a00::/8"));
}

/* ---- Against a reference, bit by bit ---- */

static struct address address_random(struct random_stream *random, sa_family_t family)
{
	struct address address = {.family = family};
	const size_t length = address_length(&address);

	for (size_t i = 0; i < length; i++)
		address.bytes[i] = (uint8_t)random_next(random);
	address.prefix = (uint8_t)random_below(random, (uint32_t)(8 * length + 1));
	return address;
}

static bool bit_at(const struct address *address, unsigned int bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static bool overlaps_by_bits(const struct address *a, const struct address *b)
{
	for (unsigned int bit = 0; bit < a->prefix && bit < b->prefix; bit++)
		if (bit_at(a, bit) != bit_at(b, bit))
			return false;
	return true;
}

/* Adds @n in the way of a full adder, one bit after the other. */
static struct address nth_by_bits(const struct address *network, uint32_t n)
{
	struct address sum = *network;
	unsigned int bits = (unsigned int)(8 * address_length(network));
	unsigned int carry = 0;

	for (unsigned int i = 0; i < bits; i++) {
		unsigned int bit = bits - 1 - i;
		unsigned int addend = i < 32 ? n >> i & 1 : 0;
		unsigned int total = bit_at(network, bit) + addend + carry;
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		sum.bytes[bit / 8] =
			(uint8_t)((sum.bytes[bit / 8] & ~mask) | (total & 1 ? mask : 0));
		carry = total >> 1;
	}
	return sum;
}

/* The network that @address lies in: the bits behind its prefix are 0. */
static struct address network_of(struct address address)
{
	for (unsigned int bit = address.prefix; bit < 8 * address_length(&address); bit++)
		address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return address;
}

TEST(overlaps_as_the_bits_say)
{
	struct random_stream random = random_start();

	for (int i = 0; i < 200000; i++) {
		sa_family_t family = i % 2 ? AF_INET6 : AF_INET;
		struct address a = address_random(&random, family);
		struct address b = address_random(&random, family);
		unsigned int same = random_below(&random, (uint32_t)(8 * address_length(&a)));

		/* Alike up to some bit, or it would always be the first bits that differ. */
		for (unsigned int bit = 0; bit < same; bit++) {
			uint8_t mask = (uint8_t)(0x80 >> bit % 8);

			b.bytes[bit / 8] =
				(uint8_t)((b.bytes[bit / 8] & ~mask) | (a.bytes[bit / 8] & mask));
		}
		assert_int_equal(address_overlaps(&a, &b), overlaps_by_bits(&a, &b));
		assert_int_equal(address_overlaps(&b, &a), overlaps_by_bits(&a, &b));
	}
}

TEST(nth_as_the_bits_say)
{
	struct random_stream random = random_start();

	for (int i = 0; i < 100000; i++) {
		struct address network =
			network_of(address_random(&random, i % 2 ? AF_INET6 : AF_INET));
		unsigned int room = (unsigned int)(8 * address_length(&network)) - network.prefix;
		uint32_t n = (uint32_t)random_next(&random);
		struct address nth, expected;

		if (room < 32)
			n &= (UINT32_C(1) << room) - 1;
		nth = address_nth(&network, n);
		expected = nth_by_bits(&network, n);
		assert_memory_equal(nth.bytes, expected.bytes, address_length(&network));
		assert_int_equal(nth.prefix, network.prefix);
		assert_int_equal(nth.family, network.family);
		assert_true(address_overlaps(&nth, &network));
	}
}

TEST(text_and_back_is_the_same)
{
	struct random_stream random = random_start();

	for (int i = 0; i < 100000; i++) {
		struct address address = address_random(&random, i % 2 ? AF_INET6 : AF_INET);
		struct address again;
		char text[ADDRESS_TEXT_MAX];

		again = parsed(address_format_network(&address, text));
		assert_int_equal(again.family, address.family);
		assert_int_equal(again.prefix, address.prefix);
		assert_memory_equal(again.bytes, address.bytes, address_length(&address));
	}
}

static void assert_parts(const char *network, const char *first, const char *second,
			 const char *last)
{
	const struct address whole = parsed(network);
	const struct address halves[] = {address_half(&whole, false), address_half(&whole, true)};
	const struct address end = address_last(&whole);

	assert_address(&halves[0], first);
	assert_address(&halves[1], second);
	assert_address(&end, last);
}

TEST(halves_and_the_end_of_a_network)
{
	assert_parts("10.90.0.0/24", "10.90.0.0/25", "10.90.0.128/25", "10.90.0.255/24");
	assert_parts("10.90.8.0/21", "10.90.8.0/22", "10.90.12.0/22", "10.90.15.255/21");
	assert_parts("192.0.2.6/31", "192.0.2.6/32", "192.0.2.7/32", "192.0.2.7/31");
	assert_parts("fd00::/64", "fd00::/65", "fd00::8000:0:0:0/65",
		     "fd00::ffff:ffff:ffff:ffff/64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_ipv4),
		cmocka_unit_test(parses_ipv6),
		cmocka_unit_test(without_a_prefix_it_is_the_full_length),
		cmocka_unit_test(takes_the_shortest_and_the_longest_prefix),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(refuses_a_prefix_that_is_not_digits_alone),
		cmocka_unit_test(formats_without_and_with_prefix),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(nth_is_the_network_itself_for_0),
		cmocka_unit_test(nth_carries_in_ipv4),
		cmocka_unit_test(nth_carries_in_ipv6),
		cmocka_unit_test(overlap_in_ipv4),
		cmocka_unit_test(overlap_at_odd_prefixes),
		cmocka_unit_test(overlap_in_ipv6),
		cmocka_unit_test(families_never_overlap),
		cmocka_unit_test(overlaps_as_the_bits_say),
		cmocka_unit_test(nth_as_the_bits_say),
		cmocka_unit_test(text_and_back_is_the_same),
		cmocka_unit_test(halves_and_the_end_of_a_network),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
