// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_nat_packets.c - packets sent through the rules of the table (packet.h): where they go, and
 * as whom they come. What does not get through: test_nat_guards.c.
 */
#include "nat_fixture.h"

static bool same_address(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_length(a)) == 0;
}

/* ---- Where a connection goes ---- */

static struct packet_result sent_to(const struct fixture *fixture, uint32_t hook, const char *from,
				    const char *to, uint16_t port)
{
	struct packet packet = packet_of(from, to);

	packet.iif = hook == NF_INET_LOCAL_OUT ? NULL : "eth0";
	packet.oif = hook == NF_INET_LOCAL_OUT ? "lo" : NULL;
	packet.port = port;
	packet.to_local = true;
	return packet_pass(fixture->table, "nat", hook, &packet);
}

static void check_every_port(const struct fixture *fixture)
{
	static const uint32_t hooks[] = {NF_INET_LOCAL_OUT, NF_INET_PRE_ROUTING};

	for (size_t i = 0; i < 2 * fixture->count; i++) {
		const struct fixture_port *port = &fixture->ports[i / 2];
		struct packet packet = packet_of("192.168.1.7", "192.168.1.1");
		struct packet_result result;

		packet.protocol = port->protocol;
		packet.port = port->port;
		packet.to_local = true;
		result = packet_pass(fixture->table, "nat", hooks[i % 2], &packet);
		assert_int_equal(result.fate, PACKET_ACCEPTED);
		assert_true(same_address(&result.dnat, &port->to));
		assert_int_equal(result.dnat_port, COPY_PORT);
		assert_int_equal(result.counters, 1);
		assert_int_equal(result.lookups, 1);
	}
}

TEST(every_host_port_leads_to_its_copy)
{
	for_few_and_many(check_every_port);
}

TEST(any_of_this_hosts_addresses_will_do)
{
	static const char *const addresses[] = {"127.0.0.1", "127.1.2.3", "192.168.1.1",
						"10.90.0.1"};
	struct fixture *fixture = fixture_of(2);

	for (size_t i = 0; i < COUNT(addresses); i++)
		assert_int_equal(
			sent_to(fixture, NF_INET_LOCAL_OUT, "127.0.0.1", addresses[i], HOST_PORT)
				.dnat_port,
			COPY_PORT);
	fixture_free(fixture);
}

TEST(what_is_not_published_is_not_translated)
{
	struct fixture *fixture = fixture_of(2);
	struct packet packet = packet_of("192.168.1.7", "192.168.1.1");
	struct packet_result result;

	packet.to_local = true;
	packet.port = HOST_PORT - 1;
	result = packet_pass(fixture->table, "nat", NF_INET_LOCAL_OUT, &packet);
	assert_int_equal(result.dnat.family, AF_UNSPEC);
	packet.port = (uint16_t)(HOST_PORT << 8 | HOST_PORT >> 8); /* as in the other byte order */
	result = packet_pass(fixture->table, "nat", NF_INET_LOCAL_OUT, &packet);
	assert_int_equal(result.dnat.family, AF_UNSPEC);
	packet.port = HOST_PORT;
	packet.protocol = IPPROTO_UDP;
	result = packet_pass(fixture->table, "nat", NF_INET_LOCAL_OUT, &packet);
	assert_int_equal(result.dnat.family, AF_UNSPEC);
	packet.protocol = IPPROTO_TCP;
	packet.to_local = false; /* somebody else's port */
	result = packet_pass(fixture->table, "nat", NF_INET_LOCAL_OUT, &packet);
	assert_int_equal(result.dnat.family, AF_UNSPEC);
	assert_int_equal(result.fate, PACKET_ACCEPTED);
	assert_int_equal(result.counters, 0);
	fixture_free(fixture);
}

TEST(a_port_of_tcp_and_the_same_of_udp_are_two)
{
	struct fixture *fixture = fixture_prepare(2);
	struct packet packet = packet_of("192.168.1.7", "192.168.1.1");
	struct packet_result result;

	fixture->ports[1].port = HOST_PORT;
	fixture->ports[1].protocol = IPPROTO_UDP;
	fixture_build(fixture);
	packet.to_local = true;
	result = packet_pass(fixture->table, "nat", NF_INET_PRE_ROUTING, &packet);
	assert_true(same_address(&result.dnat, &fixture->ports[0].to));
	packet.protocol = IPPROTO_UDP;
	result = packet_pass(fixture->table, "nat", NF_INET_PRE_ROUTING, &packet);
	assert_true(same_address(&result.dnat, &fixture->ports[1].to));
	fixture_free(fixture);
}

/* ---- IPv6, which a port leads to a copy only once it is asked for ---- */

/* The table, with what is added to it later. */
static struct fixture *fixture_with_ipv6(bool published, bool maps_loopback6)
{
	struct fixture *fixture = fixture_prepare(2);

	fixture->config.maps_loopback6 = maps_loopback6;
	fixture_begin(fixture);
	if (published)
		fixture_add_ipv6(fixture, 0);
	fixture_end(fixture);
	return fixture;
}

TEST(ipv6_is_translated_when_it_is_published_and_not_before)
{
	for (int published = 0; published < 2; published++) {
		struct fixture *fixture = fixture_with_ipv6(published, true);
		struct packet_result result = sent_to(fixture, NF_INET_PRE_ROUTING, "2001:db8::7",
						      "2001:db8::1", HOST_PORT);

		assert_int_equal(result.dnat_port, published ? COPY_PORT : 0);
		assert_int_equal(result.counters, published);
		if (published)
			assert_true(same_address(&result.dnat, &fixture->ports[0].to6));
		/* IPv4 goes on as before */
		result = sent_to(fixture, NF_INET_PRE_ROUTING, "192.168.1.7", "192.168.1.1",
				 HOST_PORT);
		assert_true(same_address(&result.dnat, &fixture->ports[0].to));
		fixture_free(fixture);
	}
}

TEST(ipv6_from_elsewhere_is_left_alone_where_the_kernel_would_not_forward_it)
{
	struct fixture *fixture = fixture_prepare(2);

	fixture->config.forwards_ipv6 = false;
	fixture_begin(fixture);
	fixture_add_ipv6(fixture, 0);
	fixture_end(fixture);
	assert_int_equal(
		sent_to(fixture, NF_INET_PRE_ROUTING, "2001:db8::7", "2001:db8::1", HOST_PORT)
			.dnat_port,
		0);
	assert_int_equal(sent_to(fixture, NF_INET_LOCAL_OUT, "::1", "::1", HOST_PORT).dnat_port,
			 COPY_PORT);
	assert_int_equal(
		sent_to(fixture, NF_INET_PRE_ROUTING, "192.168.1.7", "192.168.1.1", HOST_PORT)
			.dnat_port,
		COPY_PORT);
	fixture_free(fixture);
}

TEST(the_ipv6_loopback_address_leads_to_a_copy_where_it_can)
{
	for (int maps = 0; maps < 2; maps++) {
		struct fixture *fixture = fixture_with_ipv6(true, maps);

		assert_int_equal(
			sent_to(fixture, NF_INET_LOCAL_OUT, "::1", "::1", HOST_PORT).dnat_port,
			maps ? COPY_PORT : 0);
		assert_int_equal(
			sent_to(fixture, NF_INET_LOCAL_OUT, "2001:db8::1", "2001:db8::1", HOST_PORT)
				.dnat_port,
			COPY_PORT);
		fixture_free(fixture);
	}
}

TEST(a_link_local_address_of_this_host_leads_to_no_copy_but_to_a_port_of_nobody)
{
	static const char *const addresses[] = {"fe80::1", "febf:ffff::1"};
	struct fixture *fixture = fixture_with_ipv6(true, true);

	for (size_t i = 0; i < 4; i++) {
		uint32_t hook = i % 2 ? NF_INET_LOCAL_OUT : NF_INET_PRE_ROUTING;
		struct packet_result result =
			sent_to(fixture, hook, "fe80::7", addresses[i / 2], HOST_PORT);

		assert_int_equal(result.dnat.family, AF_UNSPEC);
		assert_true(result.has_dnat_port);
		assert_int_equal(result.dnat_port, 0);
		/* a port that is not ours */
		result = sent_to(fixture, hook, "fe80::7", addresses[i / 2], 22);
		assert_false(result.has_dnat_port);
		assert_int_equal(sent_to(fixture, hook, "fe80::7", "fec0::1", HOST_PORT).dnat_port,
				 COPY_PORT);
	}
	fixture_free(fixture);
}

TEST(a_link_local_address_of_somebody_else_is_left_alone)
{
	struct fixture *fixture = fixture_with_ipv6(true, true);
	struct packet packet = packet_of("fe80::7", "fe80::8"); /* bridged, under br_netfilter */
	struct packet_result result;

	packet.iif = "br9";
	result = packet_pass(fixture->table, "nat", NF_INET_PRE_ROUTING, &packet);
	assert_false(result.has_dnat_port);
	fixture_free(fixture);
}

/* ---- As whom a connection comes ---- */

static struct packet_result left(const struct fixture *fixture, const char *oif, const char *from,
				 const char *to, bool translated)
{
	struct packet packet = packet_of(from, to);

	packet.oif = oif;
	packet.translated = translated;
	return packet_pass(fixture->table, "nat", NF_INET_POST_ROUTING, &packet);
}

/* By a host port. */
static struct packet_result left_by(const struct fixture *fixture, const char *oif,
				    const char *from, const char *to)
{
	return left(fixture, oif, from, to, true);
}

TEST(the_host_talks_to_a_copy_by_the_bridges_own_address)
{
	struct fixture *fixture = fixture_of(2);

	assert_int_equal(left(fixture, "uva0", "10.90.0.1", "10.90.0.3", false).snat.family,
			 AF_UNSPEC);
	assert_int_equal(left(fixture, "uva0", "fd00:90::1", "fd00:90::3", false).snat.family,
			 AF_UNSPEC);
	fixture_free(fixture);
}

TEST(to_a_copy_a_source_that_could_not_be_answered_is_replaced)
{
	static const struct {
		const char *from, *to, *source;
	} cases[] = {
		{"127.0.0.1", "10.90.8.3", "10.90.8.2"},
		{"127.255.0.9", "10.90.8.3", "10.90.8.2"},
		{"10.90.8.4", "10.90.8.3", "10.90.12.4"},
		{"10.90.8.3", "10.90.8.3", "10.90.12.3"},
		{"10.90.11.255", "10.90.8.3", "10.90.15.255"},
		{"::1", "fd00:90::3", "fd00:90::2"},
		{"fd00:90::4", "fd00:90::3", "fd00:90::8000:0:0:4"},
	};
	struct fixture *fixture = fixture_of(COPIES_MAX);

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet_result result = left_by(fixture, "uva0", cases[i].from, cases[i].to);
		const struct address source = address_of(cases[i].source);

		assert_true(same_address(&result.snat, &source));
		assert_false(result.masqueraded);
	}
	fixture_free(fixture);
}

TEST(to_a_copy_a_client_of_the_lan_is_itself)
{
	struct fixture *fixture = fixture_of(COPIES_MAX);
	static const char *const clients[] = {"192.168.1.7", "10.90.7.255", "10.90.16.0"};

	for (size_t i = 0; i < COUNT(clients); i++) {
		struct packet_result result = left_by(fixture, "uva0", clients[i], "10.90.8.3");

		assert_int_equal(result.snat.family, AF_UNSPEC);
		assert_false(result.masqueraded);
	}
	assert_int_equal(left_by(fixture, "uva0", "2001:db8::7", "fd00:90::3").snat.family,
			 AF_UNSPEC);
	fixture_free(fixture);
}

TEST(a_copy_leaves_this_host_as_the_host_itself)
{
	struct fixture *fixture = fixture_of(2);

	assert_true(left_by(fixture, "eth0", "10.90.0.3", "192.0.2.1").masqueraded);
	assert_true(left_by(fixture, "eth0", "fd00:90::3", "2001:db8::1").masqueraded);
	assert_false(left_by(fixture, "eth0", "192.168.1.1", "192.0.2.1").masqueraded);
	assert_false(left_by(fixture, "eth0", "10.90.1.3", "192.0.2.1").masqueraded);
	assert_false(left_by(fixture, "lo", "127.0.0.1", "127.0.0.1").masqueraded);
	fixture_free(fixture);
}

TEST(a_host_without_ipv6_translates_no_ipv6)
{
	struct fixture *fixture = fixture_prepare(2);

	fixture->config.ipv6 = (struct nat_network){0};
	fixture_build(fixture);
	assert_int_equal(left_by(fixture, "uva0", "::1", "fd00:90::3").snat.family, AF_UNSPEC);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_host_port_leads_to_its_copy),
		cmocka_unit_test(any_of_this_hosts_addresses_will_do),
		cmocka_unit_test(what_is_not_published_is_not_translated),
		cmocka_unit_test(a_port_of_tcp_and_the_same_of_udp_are_two),
		cmocka_unit_test(ipv6_is_translated_when_it_is_published_and_not_before),
		cmocka_unit_test(
			ipv6_from_elsewhere_is_left_alone_where_the_kernel_would_not_forward_it),
		cmocka_unit_test(the_ipv6_loopback_address_leads_to_a_copy_where_it_can),
		cmocka_unit_test(
			a_link_local_address_of_this_host_leads_to_no_copy_but_to_a_port_of_nobody),
		cmocka_unit_test(a_link_local_address_of_somebody_else_is_left_alone),
		cmocka_unit_test(the_host_talks_to_a_copy_by_the_bridges_own_address),
		cmocka_unit_test(to_a_copy_a_source_that_could_not_be_answered_is_replaced),
		cmocka_unit_test(to_a_copy_a_client_of_the_lan_is_itself),
		cmocka_unit_test(a_copy_leaves_this_host_as_the_host_itself),
		cmocka_unit_test(a_host_without_ipv6_translates_no_ipv6),
	};

	return cmocka_run_group_tests_name("nat_packets", tests, NULL, NULL);
}
