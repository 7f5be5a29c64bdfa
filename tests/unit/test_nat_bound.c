// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_nat_bound.c - ports of one address: packets sent through a table that has them (packet.h).
 */
#include "nat_fixture.h"
#include "net/bound.h"

enum { BOUND_PORT = 9001 };

static const struct {
	const char *address, *elsewhere; /* one of its family, and another one */
	const char *from;
} FAMILIES[] = {
	{"192.168.1.1", "192.168.1.2", "192.168.1.7"},
	{"2001:db8::1", "2001:db8::2", "2001:db8::7"},
};

static struct nat_port bound_port(const char *address, uint8_t protocol)
{
	return (struct nat_port){protocol, BOUND_PORT, address_of(address)};
}

/*
 * A table with two ports of all addresses, and with one port of one address, which is TCP's and
 * leads to copy 1. As nat_hold_port() and nat_publish() would make it.
 */
static struct fixture *fixture_with_bound(const char *address, bool is_published, bool is_forwarded)
{
	struct fixture *fixture = fixture_prepare(2);
	struct nat_port port = bound_port(address, IPPROTO_TCP);

	fixture_begin(fixture);
	fixture_add_ipv6(fixture, 0);
	bound_add(&fixture->batch, port.address.family, is_forwarded);
	nft_batch_add_port(&fixture->batch, bound_reserved(&port), &port, NULL, NULL);
	if (is_published)
		nft_batch_add_port(&fixture->batch, bound_published(&port), &port,
				   fixture->names[0], "a copy's comment");
	fixture_end(fixture);
	return fixture;
}

static struct packet_result sent(const struct fixture *fixture, const char *type, uint32_t hook,
				 const char *from, const char *to, uint8_t protocol, uint16_t port)
{
	struct packet packet = packet_of(from, to);

	packet.iif = hook == NF_INET_LOCAL_OUT ? NULL : "eth0";
	packet.oif = hook == NF_INET_LOCAL_OUT ? "lo" : NULL;
	packet.protocol = protocol;
	packet.port = port;
	packet.to_local = true;
	return packet_pass(fixture->table, type, hook, &packet);
}

TEST(it_leads_to_its_copy_at_that_address_alone)
{
	static const uint32_t hooks[] = {NF_INET_LOCAL_OUT, NF_INET_PRE_ROUTING};

	for (size_t i = 0; i < 2 * COUNT(FAMILIES); i++) {
		const char *address = FAMILIES[i / 2].address, *from = FAMILIES[i / 2].from;
		struct fixture *fixture = fixture_with_bound(address, true, true);
		uint32_t hook = hooks[i % 2];
		struct packet_result result =
			sent(fixture, "nat", hook, from, address, IPPROTO_TCP, BOUND_PORT);

		assert_int_equal(result.dnat.family, address_of(address).family);
		assert_int_equal(result.dnat_port, COPY_PORT);
		assert_int_equal(result.counters, 1);
		result = sent(fixture, "nat", hook, from, FAMILIES[i / 2].elsewhere, IPPROTO_TCP,
			      BOUND_PORT);
		assert_int_equal(result.dnat.family, AF_UNSPEC);
		result = sent(fixture, "nat", hook, from, address, IPPROTO_UDP, BOUND_PORT);
		assert_int_equal(result.dnat.family, AF_UNSPEC);
		result = sent(fixture, "nat", hook, from, address, IPPROTO_TCP, BOUND_PORT + 1);
		assert_int_equal(result.dnat.family, AF_UNSPEC);
		fixture_free(fixture);
	}
}

TEST(a_port_of_all_addresses_leads_where_it_led)
{
	static const uint32_t hooks[] = {NF_INET_LOCAL_OUT, NF_INET_PRE_ROUTING};

	for (size_t i = 0; i < 2 * COUNT(FAMILIES); i++) {
		struct fixture *fixture = fixture_with_bound(FAMILIES[i / 2].address, true, true);
		struct packet_result result =
			sent(fixture, "nat", hooks[i % 2], FAMILIES[i / 2].from,
			     FAMILIES[i / 2].address, IPPROTO_TCP, HOST_PORT);

		assert_int_equal(result.dnat_port, COPY_PORT);
		fixture_free(fixture);
	}
}

TEST(it_is_somebody_elses_where_the_address_is_not_this_hosts)
{
	struct fixture *fixture = fixture_with_bound("192.168.1.1", true, true);
	struct packet packet = packet_of("192.168.1.7", "192.168.1.1");

	packet.port = BOUND_PORT;
	assert_int_equal(packet_pass(fixture->table, "nat", NF_INET_LOCAL_OUT, &packet).dnat.family,
			 AF_UNSPEC);
	assert_int_equal(packet_pass(fixture->table, "filter", NF_INET_LOCAL_OUT, &packet).fate,
			 PACKET_ACCEPTED);
	fixture_free(fixture);
}

TEST(it_is_refused_at_that_address_alone)
{
	static const uint32_t hooks[] = {NF_INET_LOCAL_OUT, NF_INET_LOCAL_IN};

	for (size_t i = 0; i < 2 * COUNT(FAMILIES); i++) {
		const char *address = FAMILIES[i / 2].address, *from = FAMILIES[i / 2].from;
		struct fixture *fixture = fixture_with_bound(address, false, true);
		uint32_t hook = hooks[i % 2];
		struct packet_result result =
			sent(fixture, "filter", hook, from, address, IPPROTO_TCP, BOUND_PORT);

		assert_int_equal(result.fate, PACKET_REFUSED);
		assert_int_equal(result.refusal, NFT_REJECT_TCP_RST);
		result = sent(fixture, "filter", hook, from, FAMILIES[i / 2].elsewhere, IPPROTO_TCP,
			      BOUND_PORT);
		assert_int_equal(result.fate, PACKET_ACCEPTED);
		result = sent(fixture, "filter", hook, from, address, IPPROTO_UDP, BOUND_PORT);
		assert_int_equal(result.fate, PACKET_ACCEPTED);
		fixture_free(fixture);
	}
}

TEST(udp_is_refused_with_port_unreachable)
{
	for (size_t i = 0; i < COUNT(FAMILIES); i++) {
		struct fixture *fixture = fixture_prepare(2);
		struct nat_port port = bound_port(FAMILIES[i].address, IPPROTO_UDP);
		struct packet_result result;

		fixture_begin(fixture);
		bound_add(&fixture->batch, port.address.family, true);
		nft_batch_add_port(&fixture->batch, bound_reserved(&port), &port, NULL, NULL);
		fixture_end(fixture);
		result = sent(fixture, "filter", NF_INET_LOCAL_IN, FAMILIES[i].from,
			      FAMILIES[i].address, IPPROTO_UDP, BOUND_PORT);
		assert_int_equal(result.fate, PACKET_REFUSED);
		assert_int_equal(result.refusal, NFT_REJECT_ICMPX_UNREACH);
		assert_int_equal(result.refusal_code, NFT_REJECT_ICMPX_PORT_UNREACH);
		fixture_free(fixture);
	}
}

static enum packet_fate arrives(const struct fixture *fixture, const char *iif, const char *to,
				uint16_t port)
{
	struct packet packet = packet_of("192.168.1.7", to);

	packet.iif = iif;
	packet.port = port;
	packet.to_local = true;
	return packet_pass(fixture->table, "filter", NF_INET_PRE_ROUTING, &packet).fate;
}

TEST(a_port_of_a_loopback_address_is_for_this_host_alone)
{
	struct fixture *fixture = fixture_with_bound("127.0.0.1", true, true);

	assert_int_equal(arrives(fixture, "eth0", "127.0.0.1", BOUND_PORT), PACKET_DROPPED);
	assert_int_equal(arrives(fixture, "lo", "127.0.0.1", BOUND_PORT), PACKET_ACCEPTED);
	/* Others' ports are others' business. */
	assert_int_equal(arrives(fixture, "eth0", "127.0.0.1", BOUND_PORT + 1), PACKET_ACCEPTED);
	assert_int_equal(arrives(fixture, "eth0", "127.0.0.2", BOUND_PORT), PACKET_ACCEPTED);
	fixture_free(fixture);
}

TEST(ipv6_from_elsewhere_is_left_alone_where_the_kernel_would_not_forward_it)
{
	struct fixture *fixture = fixture_with_bound("2001:db8::1", true, false);

	assert_int_equal(sent(fixture, "nat", NF_INET_PRE_ROUTING, "2001:db8::7", "2001:db8::1",
			      IPPROTO_TCP, BOUND_PORT)
				 .dnat.family,
			 AF_UNSPEC);
	assert_int_equal(sent(fixture, "nat", NF_INET_LOCAL_OUT, "2001:db8::1", "2001:db8::1",
			      IPPROTO_TCP, BOUND_PORT)
				 .dnat.family,
			 AF_INET6);
	fixture_free(fixture);
}

TEST(a_table_without_such_ports_has_nothing_of_them)
{
	struct fixture *fixture = fixture_of(2);

	for (size_t i = 0; i < fixture->table->set_count; i++) {
		const char *name = nftnl_set_get_str(fixture->table->sets[i], NFTNL_SET_NAME);

		assert_string_not_equal(name, "published4");
		assert_string_not_equal(name, "published6");
		assert_string_not_equal(name, "reserved4");
		assert_string_not_equal(name, "reserved6");
	}
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_leads_to_its_copy_at_that_address_alone),
		cmocka_unit_test(a_port_of_all_addresses_leads_where_it_led),
		cmocka_unit_test(it_is_somebody_elses_where_the_address_is_not_this_hosts),
		cmocka_unit_test(it_is_refused_at_that_address_alone),
		cmocka_unit_test(udp_is_refused_with_port_unreachable),
		cmocka_unit_test(a_port_of_a_loopback_address_is_for_this_host_alone),
		cmocka_unit_test(
			ipv6_from_elsewhere_is_left_alone_where_the_kernel_would_not_forward_it),
		cmocka_unit_test(a_table_without_such_ports_has_nothing_of_them),
	};

	return cmocka_run_group_tests_name("nat_bound", tests, NULL, NULL);
}
