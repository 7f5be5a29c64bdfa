// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_publish.c - mappings as users write them: every form that there is, and what is none.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "portmux/publish.h"
#include "unit.h"

static char message[1024];
static unsigned int messages;

static void keep_message(void *data, const char *line, size_t length)
{
	(void)data;
	messages++;
	snprintf(message, sizeof(message), "%.*s", (int)length, line);
}

/* One line that begins with what the user has written, and says @why. */
static void assert_said(const char *text, const char *why)
{
	assert_int_equal(messages, 1);
	if (!strstr(message, why) || !strstr(message, text))
		fail_msg("\"%s\": %s (and not: %s)", text, message, why);
	messages = 0;
}

static struct address address_of(const char *text)
{
	struct address address = {0};

	if (text)
		assert_true(address_parse(&address, text));
	return address;
}

/* ---- One mapping ---- */

TEST(every_form_is_read)
{
	static const struct {
		const char *text, *address;
		uint16_t first, last, port;
		uint8_t protocol;
		bool is_open;
	} forms[] = {
		{"3000", NULL, 0, 0, 3000, IPPROTO_TCP, false},
		{"3000/tcp", NULL, 0, 0, 3000, IPPROTO_TCP, false},
		{"53/udp", NULL, 0, 0, 53, IPPROTO_UDP, false},
		{":3000", NULL, 0, 0, 3000, IPPROTO_TCP, false},
		{"1:65535", NULL, 1, 1, 65535, IPPROTO_TCP, false},
		{"8081:8080/udp", NULL, 8081, 8081, 8080, IPPROTO_UDP, false},
		{"8081-8090:8080", NULL, 8081, 8090, 8080, IPPROTO_TCP, false},
		{"8081-8081:8080", NULL, 8081, 8081, 8080, IPPROTO_TCP, false},
		{"8081+:8080", NULL, 8081, 8081, 8080, IPPROTO_TCP, true},
		{"127.0.0.1::3000", "127.0.0.1", 0, 0, 3000, IPPROTO_TCP, false},
		{"127.0.0.1:8081:3000", "127.0.0.1", 8081, 8081, 3000, IPPROTO_TCP, false},
		{"192.0.2.1:8081+:53/udp", "192.0.2.1", 8081, 8081, 53, IPPROTO_UDP, true},
		{"223.255.255.255:1:2", "223.255.255.255", 1, 1, 2, IPPROTO_TCP, false},
		{"[::1]::3000", "::1", 0, 0, 3000, IPPROTO_TCP, false},
		{"[2001:db8::1]:8081-8082:80", "2001:db8::1", 8081, 8082, 80, IPPROTO_TCP, false},
		{"[2001:db8::1]:8081+:80/udp", "2001:db8::1", 8081, 8081, 80, IPPROTO_UDP, true},
		{"[fd00::1]:1:2/tcp", "fd00::1", 1, 1, 2, IPPROTO_TCP, false},
	};

	for (size_t i = 0; i < COUNT(forms); i++) {
		const struct address address = address_of(forms[i].address);
		struct publish publish;

		print_message("%s\n", forms[i].text);
		assert_int_equal(publish_parse(&publish, forms[i].text), 0);
		assert_int_equal(publish.protocol, forms[i].protocol);
		assert_int_equal(publish.first, forms[i].first);
		assert_int_equal(publish.last, forms[i].last);
		assert_int_equal(publish.port, forms[i].port);
		assert_int_equal(publish.is_open, forms[i].is_open);
		assert_true(address_is_equal(&publish.address, &address));
	}
	assert_int_equal(messages, 0);
}

static const struct {
	const char *text, *why;
} NO_FORMS[] = {
	{"", "is no mapping"},
	{":", "is no port"},
	{"::", "is no port"},
	{"web", "\"web\" is no port"},
	{"0", "\"0\" is no port"},
	{"65536", "\"65536\" is no port"},
	{"100000", "is no port"},
	{"-1", "is no port"},
	{"+80", "is no port"},
	{" 80", "is no port"},
	{"80 ", "is no port"},
	{"0x50", "is no port"},
	{"8081:", "is no port"},
	{"0:80", "\"0\" is no port"},
	{"65536:80", "\"65536\" is no port"},
	{"8081-:80", "\"\" is no port"},
	{"-8081:80", "\"\" is no port"},
	{"8081-8082-8083:80", "is no port"},
	{"8081--8082:80", "is no port"},
	{"+:80", "is no port"},
	{"8081++:80", "is no port"},
	{"8081+8082:80", "is no port"},
	{"8081-65536:80", "\"65536\" is no port"},
	{"8090-8081:80", "ends before it begins"},
	{"8081-8090+:80", "not both"},
	{"80/sctp", "\"sctp\" is no protocol"},
	{"80/", "\"\" is no protocol"},
	{"80/TCP", "is no protocol"},
	{"80/tcp/udp", "is no port"},
	{"8081/tcp:80", "is no protocol"},
	{"127.0.0.1:80", "is no port"},
	{"[::1]:80", "is no port"},
	{"localhost:8081:80", "\"localhost\" is no address"},
	{":8081:80", "\"\" is no address"},
	{"127.0.0:8081:80", "is no address"},
	{"127.0.0.1.1:8081:80", "is no address"},
	{"192.0.2.256:8081:80", "is no address"},
	{"192.0.2.0/24:8081:80", "is no protocol"},
	{"[192.0.2.1]:8081:80", "is no address"},
	{"::1:8081:80", "is no address"},
	{"2001:db8::1:8081:80", "is no address"},
	{"[::1:8081:80", "is no address"},
	{"[]:8081:80", "is no address"},
	{"[::1]]:8081:80", "is no address"},
	{"[[::1]]:8081:80", "is no address"},
	{"[fe80::1%eth0]:8081:80", "is no address"},
	{"x[::1]:8081:80", "is no address"},
	{"0.0.0.0:8081:80", "leave 0.0.0.0 out"},
	{"[::]:8081:80", "leave :: out"},
	{"[fe80::1]:8081:80", "link-local"},
	{"[febf::1]:8081:80", "link-local"},
	{"224.0.0.1:8081:80", "not the address of one host"},
	{"255.255.255.255:8081:80", "not the address of one host"},
	{"[ff02::1]:8081:80", "not the address of one host"},
	{"[::ffff:192.0.2.1]:8081:80", "as an IPv4 address"},
};

TEST(what_is_no_mapping_is_refused_with_the_reason)
{
	for (size_t i = 0; i < COUNT(NO_FORMS); i++) {
		struct publish publish = {.port = 4711};

		assert_int_equal(publish_parse(&publish, NO_FORMS[i].text), -EINVAL);
		assert_said(NO_FORMS[i].text, NO_FORMS[i].why);
		assert_int_equal(publish.port, 4711);
	}
}

TEST(a_text_of_any_length_is_refused)
{
	char text[300];
	struct publish publish;

	for (size_t length = 1; length < sizeof(text); length++) {
		memset(text, '8', length);
		text[length] = '\0';
		assert_int_equal(publish_parse(&publish, text), length < 5 ? 0 : -EINVAL);
		messages = 0;
	}
}

/* ---- For so many copies ---- */

static int check(unsigned int copies, const char *first, const char *second)
{
	const char *const given[] = {first, second};
	char copies_of_texts[2][64];
	char *texts[] = {copies_of_texts[0], copies_of_texts[1]};
	struct publish publish[2];
	size_t count = second ? 2 : 1;

	for (size_t i = 0; i < count; i++) {
		snprintf(texts[i], sizeof(copies_of_texts[i]), "%s", given[i]);
		assert_int_equal(publish_parse(&publish[i], texts[i]), 0);
	}
	return publish_check(publish, texts, count, copies);
}

TEST(there_is_a_host_port_for_each_copy)
{
	assert_int_equal(check(1, "8081:80", NULL), 0);
	assert_int_equal(check(2, "8081-8082:80", NULL), 0);
	assert_int_equal(check(2, "8081-8090:80", NULL), 0);
	assert_int_equal(check(1000, "8081+:80", NULL), 0);
	assert_int_equal(check(1000, "80", NULL), 0);
	assert_int_equal(check(2, "65534+:80", NULL), 0);
	assert_int_equal(check(4, "8080:8080", NULL), 0); /* for all of them */
	assert_int_equal(check(4, "8080:8080", "8081+:8080"), 0);
	assert_int_equal(messages, 0);
	assert_int_equal(check(3, "8081-8082:80", NULL), -EINVAL);
	assert_said("8081-8082:80", "2 host ports for 3 copies");
	assert_int_equal(check(3, "65534+:80", NULL), -EINVAL);
	assert_said("65534+:80", "end at 65535");
}

TEST(a_host_port_of_an_address_leads_to_one_port)
{
	static const struct {
		const char *first, *second;
		unsigned int copies;
		bool is_good;
	} pairs[] = {
		{"8081:80", "8082:80", 1, true},
		{"8081:80", "8081:81", 1, false},
		{"8081:80", "8081:80/udp", 1, true},
		{"8081+:80", "8083:81", 1, true},
		{"8081+:80", "8083+:81", 2, true},
		{"8081+:80", "8083+:81", 3, false},
		{"8083+:80", "8081+:81", 3, false},
		{"8081-8090:80", "8083-8090:81", 2, true},
		{"80", "80", 2, true},
		{"80", "8081+:80", 2, true},
		{"127.0.0.1:8081:80", "192.0.2.1:8081:80", 1, true},
		{"127.0.0.1:8081:80", "[::1]:8081:80", 1, true},
		{"127.0.0.1:8081:80", "127.0.0.1:8081:81", 1, false},
		{"127.0.0.1:8081:80", "8081:80", 1, false},
		{"8081:80", "[::1]:8081:80", 1, false},
		{"[::1]:8081:80", "[0::1]:8081:81", 1, false},
	};

	for (size_t i = 0; i < COUNT(pairs); i++) {
		print_message("%s %s\n", pairs[i].first, pairs[i].second);
		assert_int_equal(check(pairs[i].copies, pairs[i].first, pairs[i].second),
				 pairs[i].is_good ? 0 : -EINVAL);
		if (!pairs[i].is_good)
			assert_said(pairs[i].second, "overlap");
		assert_int_equal(messages, 0);
	}
}

TEST(the_plan_gets_it_all)
{
	struct publish publish;
	struct plan_port port;

	assert_int_equal(publish_parse(&publish, "[2001:db8::1]:8081+:53/udp"), 0);
	port = publish_to_plan(&publish);
	assert_int_equal(port.protocol, IPPROTO_UDP);
	assert_int_equal(port.copy_port, 53);
	assert_int_equal(port.first_host_port, 8081);
	assert_null(port.host_ports);
	assert_true(address_is_equal(&port.address, &publish.address));
	assert_int_equal(port.address.family, AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(what_is_no_mapping_is_refused_with_the_reason),
		cmocka_unit_test(a_text_of_any_length_is_refused),
		cmocka_unit_test(there_is_a_host_port_for_each_copy),
		cmocka_unit_test(a_host_port_of_an_address_leads_to_one_port),
		cmocka_unit_test(the_plan_gets_it_all),
	};

	error_redirect(keep_message, NULL);
	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
