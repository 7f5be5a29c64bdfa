// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_nat_packets.c - packets sent through the rules of the table (packet.h): from this
 * host, from the LAN, from a copy; into the host, through it, to a copy.
 */
#include "nat_fixture.h"
#include "net/guard.h"
#include "net/ruleset.h"
#include "packet.h"

/* A packet as `FROM -> TO` to the first copy's host port; what differs is set by the test. */
static struct packet packet_of(const char *from, const char *to)
{
	return (struct packet){
		.from = address_of(from),
		.to = address_of(to),
		.protocol = IPPROTO_TCP,
		.port = HOST_PORT,
	};
}

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
		const char *from, *to;
	} cases[] = {
		{"127.0.0.1", "10.90.8.3"}, {"127.255.0.9", "10.90.8.3"},
		{"10.90.8.4", "10.90.8.3"}, {"10.90.15.254", "10.90.8.3"},
		{"::1", "fd00:90::3"},      {"fd00:90::4", "fd00:90::3"},
	};
	struct fixture *fixture = fixture_of(COPIES_MAX);

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet_result result = left_by(fixture, "uva0", cases[i].from, cases[i].to);

		assert_true(same_address(&result.snat, i < 4 ? &fixture->config.ipv4.local_source
							     : &fixture->config.ipv6.local_source));
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

/* ---- What does not get through ---- */

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
	assert_int_equal(left_by(fixture, "uva0", "::1", "fd00:90::3").snat.family, AF_UNSPEC);
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
		cmocka_unit_test(what_comes_in_by_an_uplink_goes_to_a_copy_or_nowhere),
	};

	return cmocka_run_group_tests_name("nat_packets", tests, NULL, NULL);
}
