// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_flows.c - which UDP flows are stale: those of one host port, and of no other one.
 */
#include "net/flows.h"

#include "unit.h"

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(&address, text));
	return address;
}

static struct conntrack_end end_of(const char *address, uint16_t port)
{
	return (struct conntrack_end){address_of(address), port};
}

/* From a client to a port of @to, answered by port 5000 of @by. */
static struct conntrack_flow flow_of(const char *client, const char *to, uint16_t port,
				     const char *by)
{
	return (struct conntrack_flow){
		.original = {IPPROTO_UDP, end_of(client, 40000), end_of(to, port)},
		.reply = {IPPROTO_UDP, end_of(by, 5000), end_of(client, 40000)},
	};
}

/* The flows of a mapping that was removed. The copy's address comes with its network's prefix. */
static struct flows_stale gone(void)
{
	return (struct flows_stale){
		.port = {.protocol = IPPROTO_UDP, .number = 6000},
		.to = address_of("10.90.0.3/24"),
		.to6 = address_of("fd00::3/64"),
		.to_port = 5000,
	};
}

TEST(a_flow_that_leads_to_the_copy_is_stale_when_its_mapping_is_gone)
{
	const struct flows_stale stale = gone();
	struct conntrack_flow flow = flow_of("198.51.100.2", "198.51.100.1", 6000, "10.90.0.3");
	struct conntrack_flow flow6 = flow_of("2001:db8::2", "2001:db8::1", 6000, "fd00::3");

	assert_true(flows_match(&stale, &flow));
	assert_true(flows_match(&stale, &flow6));
	flow.original.protocol = IPPROTO_TCP;
	assert_false(flows_match(&stale, &flow));
}

TEST(a_flow_to_another_host_port_copy_or_port_of_it_is_not)
{
	const struct flows_stale stale = gone();
	struct conntrack_flow flow = flow_of("198.51.100.2", "198.51.100.1", 6001, "10.90.0.3");

	assert_false(flows_match(&stale, &flow));
	flow = flow_of("198.51.100.2", "198.51.100.1", 6000, "10.90.0.4");
	assert_false(flows_match(&stale, &flow));
	flow = flow_of("198.51.100.2", "198.51.100.1", 6000, "10.90.0.3");
	flow.reply.from.port = 5001;
	assert_false(flows_match(&stale, &flow));
	/* what the copy itself has begun */
	flow = flow_of("10.90.0.3", "203.0.113.2", 6000, "203.0.113.2");
	assert_false(flows_match(&stale, &flow));
}

/* As the kernel tracks an answer whose flow has been ended: from the copy, by the host port. */
TEST(an_answer_that_was_under_way_is_stale_too)
{
	struct flows_stale stale = gone();
	struct conntrack_flow flow = {
		.original = {IPPROTO_UDP, end_of("10.90.0.3", 5000), end_of("198.51.100.2", 40000)},
		.reply = {IPPROTO_UDP, end_of("198.51.100.2", 40000), end_of("198.51.100.1", 6000)},
	};

	assert_true(flows_match(&stale, &flow));
	flow.reply.to.port = 6001; /* by another port: what the copy itself has begun */
	assert_false(flows_match(&stale, &flow));
	flow.reply.to.port = 6000;
	stale.port.address = address_of("198.51.100.9");
	assert_false(flows_match(&stale, &flow));
}

TEST(of_a_port_that_leads_nowhere_only_flows_without_translation_are_stale)
{
	const struct flows_stale stale = {.port = {.protocol = IPPROTO_UDP, .number = 5000}};
	struct conntrack_flow flow = flow_of("127.0.0.1", "127.0.0.1", 5000, "127.0.0.1");

	assert_true(flows_match(&stale, &flow));
	flow = flow_of("127.0.0.1", "127.0.0.1", 5000, "10.90.0.3");
	assert_false(flows_match(&stale, &flow));
	/* with another port as its destination, as by somebody's redirect */
	flow = flow_of("127.0.0.1", "127.0.0.1", 5000, "127.0.0.1");
	flow.reply.from.port = 5300;
	assert_false(flows_match(&stale, &flow));
	/* by the same client port to another port */
	flow = flow_of("127.0.0.1", "127.0.0.1", 5001, "127.0.0.1");
	assert_false(flows_match(&stale, &flow));
}

TEST(of_a_bound_port_only_flows_to_its_address_are_stale)
{
	struct flows_stale stale = {.port = {IPPROTO_UDP, 5000, address_of("127.0.0.1")}};
	struct conntrack_flow flow = flow_of("127.0.0.1", "127.0.0.1", 5000, "127.0.0.1");
	struct conntrack_flow other = flow_of("127.0.0.1", "127.0.0.2", 5000, "127.0.0.2");

	assert_true(flows_match(&stale, &flow));
	assert_false(flows_match(&stale, &other));
	stale.port.address = address_of("::1");
	assert_false(flows_match(&stale, &flow));
}

TEST(an_entry_that_does_not_say_all_is_not_stale)
{
	struct conntrack_flow flow = {.original = {.protocol = IPPROTO_UDP}};
	const struct flows_stale nothing = {.port = {.protocol = IPPROTO_UDP}};

	assert_false(flows_match(&nothing, &flow));
	flow.original.to.port = flow.reply.from.port = 5000;
	assert_false(flows_match(
		&(struct flows_stale){.port = {.protocol = IPPROTO_UDP, .number = 5000}}, &flow));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_that_leads_to_the_copy_is_stale_when_its_mapping_is_gone),
		cmocka_unit_test(a_flow_to_another_host_port_copy_or_port_of_it_is_not),
		cmocka_unit_test(an_answer_that_was_under_way_is_stale_too),
		cmocka_unit_test(
			of_a_port_that_leads_nowhere_only_flows_without_translation_are_stale),
		cmocka_unit_test(of_a_bound_port_only_flows_to_its_address_are_stale),
		cmocka_unit_test(an_entry_that_does_not_say_all_is_not_stale),
	};

	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
