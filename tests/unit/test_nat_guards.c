// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_nat_guards.c - packets sent through the rules of the table (packet.h): from this host, from
 * the LAN, from a copy; those that get through, and those that do not.
 */
#include "nat_fixture.h"
#include "net/guard.h"

static enum packet_fate arrives(const struct fixture *fixture, const char *iif, const char *from,
				const char *to)
{
	struct packet packet = packet_of(from, to);

	packet.iif = iif;
	packet.mac = fixture->ports[0].mac;
	return packet_pass(fixture->table, "filter", NF_INET_PRE_ROUTING, &packet).fate;
}

static enum packet_fate arrives_here(const struct fixture *fixture, const char *iif,
				     const char *from, const char *to)
{
	struct packet packet = packet_of(from, to);

	packet.iif = iif;
	packet.mac = fixture->ports[0].mac;
	packet.to_local = true;
	return packet_pass(fixture->table, "filter", NF_INET_PRE_ROUTING, &packet).fate;
}

TEST(a_copy_reaches_this_host_and_no_other_copy)
{
	struct fixture *fixture = fixture_of(2);

	assert_int_equal(arrives_here(fixture, "uva0", "10.90.0.3", "10.90.0.2"), PACKET_ACCEPTED);
	assert_int_equal(arrives_here(fixture, "uva0", "10.90.0.3", "10.90.0.132"),
			 PACKET_ACCEPTED);
	assert_int_equal(arrives_here(fixture, "uva0", "fd00:90::3", "fd00:90::1"),
			 PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "uva0", "10.90.0.3", "10.90.0.4"), PACKET_REFUSED);
	assert_int_equal(arrives(fixture, "uva0", "fd00:90::3", "fd00:90::4"), PACKET_REFUSED);
	fixture_free(fixture);
}

TEST(a_copy_speaks_for_itself_and_not_to_this_hosts_loopback)
{
	struct fixture *fixture = fixture_of(2);

	assert_int_equal(arrives(fixture, "uva0", "10.90.0.3", "192.0.2.1"), PACKET_ACCEPTED);
	assert_int_equal(arrives_here(fixture, "uva0", "10.90.0.3", "10.90.0.1"), PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "uva0", "10.90.0.3", "127.0.0.1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "uva0", "10.90.1.3", "192.0.2.1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "uva0", "127.0.0.1", "192.0.2.1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "uva0", "fd00:90::3", "2001:db8::1"), PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "uva0", "fd00:90::3", "::1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "uva0", "fd00:91::3", "2001:db8::1"), PACKET_DROPPED);
	fixture_free(fixture);
}

static void check_sources(const struct fixture *fixture)
{
	const struct fixture_port *own = &fixture->ports[fixture->count - 1];
	const struct address link_local = mac_link_local(&own->mac);
	const struct address *mine[] = {&own->to, &own->to6, &link_local};

	for (size_t i = 0; i < COUNT(mine); i++) {
		struct packet packet = {.from = *mine[i], .to = *mine[i], .iif = "uva0"};
		struct packet_result result;

		packet.mac = own->mac;
		packet.to_local = true;
		result = packet_pass(fixture->table, "filter", NF_INET_PRE_ROUTING, &packet);
		assert_int_equal(result.fate, PACKET_ACCEPTED);
		assert_int_equal(result.lookups, 1);
		packet.mac = fixture->count > 1 ? fixture->ports[0].mac
						: (struct mac){{2, 1, 1, 1, 1, 1}};
		result = packet_pass(fixture->table, "filter", NF_INET_PRE_ROUTING, &packet);
		assert_int_equal(result.fate, PACKET_DROPPED);
	}
}

TEST(by_the_address_of_another_copy_it_says_nothing)
{
	for_few_and_many(check_sources);
}

TEST(by_addresses_of_no_copy_it_says_nothing)
{
	static const char *const addresses[] = {"10.90.0.1", "10.90.0.2",   "10.90.0.9", "0.0.0.0",
						"fe80::3",   "fd00:90::99", "fd00:90::1"};
	struct fixture *fixture = fixture_of(2);

	for (size_t i = 0; i < COUNT(addresses); i++)
		assert_int_equal(arrives_here(fixture, "uva0", addresses[i],
					      i < 4 ? "10.90.0.1" : "fd00:90::1"),
				 PACKET_DROPPED);
	fixture_free(fixture);
}

TEST(from_elsewhere_the_private_network_does_not_exist)
{
	struct fixture *fixture = fixture_of(2);

	assert_int_equal(arrives(fixture, "eth0", "192.168.1.7", "192.168.1.1"), PACKET_ACCEPTED);
	/* by 127.0.0.1 to a published port, where somebody has set route_localnet; lo may */
	assert_int_equal(arrives(fixture, "eth0", "192.168.1.7", "127.0.0.1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "lo", "127.0.0.1", "127.0.0.1"), PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "eth0", "192.168.1.7", "10.90.0.3"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "eth0", "10.90.0.3", "192.168.1.1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "eth0", "192.168.1.7", "10.90.1.3"), PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "eth0", "2001:db8::7", "fd00:90::3"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "eth0", "fd00:90::3", "2001:db8::1"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "lo", "127.0.0.1", "127.0.0.1"), PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "lo", "10.90.0.1", "10.90.0.1"), PACKET_ACCEPTED);
	fixture_free(fixture);
}

TEST(a_host_without_ipv6_has_rules_for_ipv4_only)
{
	struct fixture *fixture = fixture_prepare(2);

	fixture->config.ipv6 = (struct nat_network){0};
	fixture_build(fixture);
	assert_int_equal(arrives(fixture, "eth0", "192.168.1.7", "10.90.0.3"), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "eth0", "2001:db8::7", "2001:db8::1"), PACKET_ACCEPTED);
	fixture_free(fixture);
}

TEST(to_a_copy_only_by_a_host_port_is_forwarded)
{
	struct fixture *fixture = fixture_of(2);
	struct packet packet = packet_of("10.90.0.4", "10.90.0.3");
	struct packet_result result;

	packet.iif = packet.oif = "uva0";
	result = packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet);
	assert_int_equal(result.fate, PACKET_REFUSED);
	packet.translated = true;
	result = packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet);
	assert_int_equal(result.fate, PACKET_ACCEPTED);
	packet.translated = false;
	packet.established = true;
	result = packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet);
	assert_int_equal(result.fate, PACKET_ACCEPTED);
	fixture_free(fixture);
}

static enum packet_fate forwarded(const struct fixture *fixture, const char *iif, const char *oif,
				  const char *from, const char *to)
{
	struct packet packet = packet_of(from, to);

	packet.iif = iif;
	packet.oif = oif;
	return packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet).fate;
}

TEST(what_is_not_for_a_copy_is_forwarded_as_before)
{
	struct fixture *fixture = fixture_of(2);

	assert_int_equal(forwarded(fixture, "eth4", "eth1", "192.168.1.7", "192.0.2.1"),
			 PACKET_ACCEPTED);
	assert_int_equal(forwarded(fixture, "eth4", "uva1", "192.168.1.7", "10.90.1.3"),
			 PACKET_ACCEPTED);
	assert_int_equal(forwarded(fixture, "eth6", "eth1", "2001:db8::7", "2001:db8:1::1"),
			 PACKET_ACCEPTED);
	assert_int_equal(forwarded(fixture, "uva0", "eth4", "10.90.0.3", "192.0.2.1"),
			 PACKET_ACCEPTED);
	fixture_free(fixture);
}

TEST(from_a_copy_only_what_has_a_connection_is_forwarded)
{
	struct fixture *fixture = fixture_of(2);
	struct packet packet = packet_of("10.90.0.3", "192.0.2.1");

	packet.iif = "uva0";
	packet.oif = "eth0";
	for (int kind = 0; kind < 4; kind++) {
		packet.invalid = kind == 1;
		packet.untracked = kind == 2;
		packet.established = kind == 3;
		assert_int_equal(
			packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet).fate,
			kind == 1 || kind == 2 ? PACKET_DROPPED : PACKET_ACCEPTED);
	}
	packet.iif = "eth1"; /* not our business */
	packet.established = false;
	packet.invalid = true;
	assert_int_equal(packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet).fate,
			 PACKET_ACCEPTED);
	fixture_free(fixture);
}

static struct packet_result reached(const struct fixture *fixture, uint8_t protocol, uint16_t port)
{
	struct packet packet = packet_of("192.168.1.7", "192.168.1.1");

	packet.iif = "eth0";
	packet.protocol = protocol;
	packet.port = port;
	packet.to_local = true;
	return packet_pass(fixture->table, "filter", NF_INET_LOCAL_IN, &packet);
}

TEST(a_host_port_that_is_reached_itself_refuses)
{
	struct fixture *fixture = fixture_of(4); /* the last is of UDP */
	struct packet_result result = reached(fixture, IPPROTO_TCP, HOST_PORT);

	assert_int_equal(result.fate, PACKET_REFUSED);
	assert_int_equal(result.refusal, NFT_REJECT_TCP_RST);
	result = reached(fixture, IPPROTO_UDP, HOST_PORT + 3);
	assert_int_equal(result.fate, PACKET_REFUSED);
	assert_int_equal(result.refusal, NFT_REJECT_ICMPX_UNREACH);
	assert_int_equal(result.refusal_code, NFT_REJECT_ICMPX_PORT_UNREACH);
	assert_int_equal(reached(fixture, IPPROTO_UDP, HOST_PORT).fate, PACKET_ACCEPTED);
	assert_int_equal(reached(fixture, IPPROTO_TCP, HOST_PORT + 3).fate, PACKET_ACCEPTED);
	assert_int_equal(reached(fixture, IPPROTO_TCP, 22).fate, PACKET_ACCEPTED);
	fixture_free(fixture);
}

TEST(only_an_answer_to_this_host_passes_a_host_port)
{
	struct fixture *fixture = fixture_of(1);
	struct packet packet = packet_of("192.168.1.7", "192.168.1.1");

	packet.iif = "eth0";
	packet.port = HOST_PORT;
	packet.to_local = true;
	for (size_t i = 0; i < 4; i++) {
		packet.reply = i > 0;
		packet.invalid = i == 2;
		packet.untracked = i == 3;
		assert_int_equal(
			packet_pass(fixture->table, "filter", NF_INET_LOCAL_IN, &packet).fate,
			i == 1 ? PACKET_ACCEPTED : PACKET_REFUSED);
	}
	fixture_free(fixture);
}

/* ---- Not a router ---- */

enum { UPLINK = 2, OTHER_LINK = 3 };

static enum packet_fate crosses(const struct fixture *fixture, uint32_t iif, const char *oif,
				uint32_t group, const char *to)
{
	struct packet packet = packet_of(strchr(to, ':') ? "2001:db8::7" : "192.168.1.7", to);

	packet.iif = "eth0";
	packet.iif_index = iif;
	packet.oif = oif;
	packet.oif_group = group;
	packet.translated = true;
	return packet_pass(fixture->table, "filter", NF_INET_FORWARD, &packet).fate;
}

TEST(what_comes_in_by_an_uplink_goes_to_a_copy_or_nowhere)
{
	struct fixture *fixture = fixture_prepare(2);
	uint32_t ours = LINK_GROUP_OURS | 0x123456;

	fixture_begin(fixture);
	guard_add_link(&fixture->batch, AF_INET, UPLINK);
	fixture_end(fixture);
	assert_int_equal(crosses(fixture, UPLINK, "eth1", 0, "192.0.2.1"), PACKET_DROPPED);
	assert_int_equal(crosses(fixture, UPLINK, "eth1", 0xc0000000, "192.0.2.1"), PACKET_DROPPED);
	assert_int_equal(crosses(fixture, UPLINK, "eth1", 0x80000000, "192.0.2.1"), PACKET_DROPPED);
	assert_int_equal(crosses(fixture, UPLINK, "uva0", ours, "10.90.0.3"), PACKET_ACCEPTED);
	assert_int_equal(crosses(fixture, UPLINK, "uva1", ours, "10.91.0.3"), PACKET_ACCEPTED);
	/* another link, and another family: not ours to guard */
	assert_int_equal(crosses(fixture, OTHER_LINK, "eth1", 0, "192.0.2.1"), PACKET_ACCEPTED);
	assert_int_equal(crosses(fixture, UPLINK, "eth1", 0, "2001:db8::1"), PACKET_ACCEPTED);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_reaches_this_host_and_no_other_copy),
		cmocka_unit_test(a_copy_speaks_for_itself_and_not_to_this_hosts_loopback),
		cmocka_unit_test(by_the_address_of_another_copy_it_says_nothing),
		cmocka_unit_test(by_addresses_of_no_copy_it_says_nothing),
		cmocka_unit_test(from_elsewhere_the_private_network_does_not_exist),
		cmocka_unit_test(a_host_without_ipv6_has_rules_for_ipv4_only),
		cmocka_unit_test(to_a_copy_only_by_a_host_port_is_forwarded),
		cmocka_unit_test(what_is_not_for_a_copy_is_forwarded_as_before),
		cmocka_unit_test(from_a_copy_only_what_has_a_connection_is_forwarded),
		cmocka_unit_test(a_host_port_that_is_reached_itself_refuses),
		cmocka_unit_test(only_an_answer_to_this_host_passes_a_host_port),
		cmocka_unit_test(what_comes_in_by_an_uplink_goes_to_a_copy_or_nowhere),
	};

	return cmocka_run_group_tests_name("nat_guards", tests, NULL, NULL);
}
