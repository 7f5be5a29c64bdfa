// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * publish.c - takes a mapping apart from its end: the protocol, the port, the host port, the
 * address.
 */
#include "portmux/publish.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

enum { PUBLISH_TEXT_MAX = 96 }; /* longer than any mapping: an IPv6 address has 45 characters */

static const char SYNTAX[] = "[[ADDRESS:]HOSTPORT:]PORT[/tcp|/udp]";

/* Reads a whole text of digits, from 1 to 65535. */
static bool publish_read_port(const char *text, uint16_t *ret)
{
	unsigned int value = 0;

	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned int)(*text - '0');
	}
	if (value == 0 || value > UINT16_MAX)
		return false;
	*ret = (uint16_t)value;
	return true;
}

static int publish_no_port(const char *whole, const char *text)
{
	return error_say(-EINVAL, "%s: \"%s\" is no port: port numbers go from 1 to %d", whole,
			 text, UINT16_MAX);
}

static int publish_read_protocol(struct publish *publish, const char *whole, char *text)
{
	char *slash = strrchr(text, '/');

	publish->protocol = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash = '\0';
	if (strcmp(slash + 1, "udp") == 0)
		publish->protocol = IPPROTO_UDP;
	else if (strcmp(slash + 1, "tcp") != 0)
		return error_say(-EINVAL, "%s: \"%s\" is no protocol: tcp or udp", whole,
				 slash + 1);
	return 0;
}

/* "8081", "8081-8090", "8081+", or "". */
static int publish_read_host_ports(struct publish *publish, const char *whole, char *text)
{
	size_t length = strlen(text);
	char *dash = strchr(text, '-');

	if (!length)
		return 0;
	if (text[length - 1] == '+') {
		publish->is_open = true;
		text[length - 1] = '\0';
	}
	if (dash)
		*dash = '\0';
	if (!publish_read_port(text, &publish->first))
		return publish_no_port(whole, text);
	publish->last = publish->first;
	if (dash && !publish_read_port(dash + 1, &publish->last))
		return publish_no_port(whole, dash + 1);
	if (publish->last < publish->first)
		return error_say(-EINVAL, "%s: the range ends before it begins", whole);
	if (dash && publish->is_open)
		return error_say(-EINVAL, "%s: a range, or an open range with +, not both", whole);
	return 0;
}

static bool publish_is_every_address(const struct address *address)
{
	static const uint8_t none[16];

	return memcmp(address->bytes, none, address_length(address)) == 0;
}

/* Of several hosts: 224.0.0.0/4 and beyond, with 255.255.255.255; ff00::/8. */
static bool publish_is_for_many(const struct address *address)
{
	return address->bytes[0] >= (address->family == AF_INET ? 0xe0 : 0xff);
}

/* ::ffff:192.0.2.1 */
static bool publish_is_mapped(const struct address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return address->family == AF_INET6 && memcmp(address->bytes, prefix, sizeof(prefix)) == 0;
}

static int publish_read_address(struct publish *publish, const char *whole, char *text)
{
	size_t length = strlen(text);
	bool has_brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
	struct address address;

	if (has_brackets) {
		text[length - 1] = '\0';
		text++;
	}
	if (strchr(text, '/') || !address_parse(&address, text) ||
	    (address.family == AF_INET6) != has_brackets)
		return error_say(-EINVAL, "%s: \"%s\" is no address: 192.0.2.1 or [2001:db8::1]",
				 whole, text);
	if (publish_is_every_address(&address))
		return error_say(-EINVAL, "%s: leave %s out: then it is every address of this host",
				 whole, text);
	if (address.family == AF_INET6 && address.bytes[0] == 0xfe &&
	    (address.bytes[1] & 0xc0) == 0x80)
		return error_say(-EINVAL, "%s: no copy is reached by a link-local address", whole);
	if (publish_is_for_many(&address))
		return error_say(-EINVAL, "%s: %s is not the address of one host", whole, text);
	if (publish_is_mapped(&address))
		return error_say(-EINVAL, "%s: write %s as an IPv4 address", whole, text);
	publish->address = address;
	return 0;
}

/* The last colon that is not in an address. NULL: there is none. */
static char *publish_cut(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon || strchr(colon, ']'))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int publish_read(struct publish *publish, const char *whole, char *text)
{
	int err = publish_read_protocol(publish, whole, text);
	char *port, *host;

	if (err)
		return err;
	port = publish_cut(text);
	if (!port) {
		port = text;
		text = NULL;
	}
	if (!publish_read_port(port, &publish->port))
		return publish_no_port(whole, port);
	if (!text)
		return 0;
	host = publish_cut(text);
	if (!host)
		return publish_read_host_ports(publish, whole, text);
	err = publish_read_host_ports(publish, whole, host);
	return err ? err : publish_read_address(publish, whole, text);
}

int publish_parse(struct publish *ret, const char *text)
{
	struct publish publish = {0};
	char copy[PUBLISH_TEXT_MAX];
	int err;

	if (!*text || strlen(text) >= sizeof(copy))
		return error_say(-EINVAL, "\"%.*s\" is no mapping: %s", PUBLISH_TEXT_MAX, text,
				 SYNTAX);
	memcpy(copy, text, strlen(text) + 1);
	err = publish_read(&publish, text, copy);
	if (err)
		return err;
	*ret = publish;
	return 0;
}

/* ---- For so many copies ---- */

static bool publish_is_free(const struct publish *publish)
{
	return publish->first == 0;
}

static bool publish_is_shared(const struct publish *publish)
{
	return publish->first != 0 && publish->first == publish->last && !publish->is_open;
}

static unsigned int publish_last(const struct publish *publish, unsigned int copies)
{
	return publish_is_shared(publish) ? publish->first : publish->first + copies - 1;
}

static int publish_check_one(const struct publish *publish, const char *text, unsigned int copies)
{
	unsigned int has = publish->last - publish->first + 1U;

	if (publish_is_free(publish) || publish_is_shared(publish))
		return 0;
	if (publish->is_open && publish_last(publish, copies) > UINT16_MAX)
		return error_say(-EINVAL, "%s: %u ports from %u on: port numbers end at %d", text,
				 copies, publish->first, UINT16_MAX);
	if (publish->is_open || has >= copies)
		return 0;
	return error_say(-EINVAL, "%s: %u host ports for %u copies", text, has, copies);
}

static bool publish_overlap(const struct publish *a, const struct publish *b, unsigned int copies)
{
	if (publish_is_free(a) || publish_is_free(b) || a->protocol != b->protocol)
		return false;
	if (a->address.family != AF_UNSPEC && b->address.family != AF_UNSPEC &&
	    !address_is_equal(&a->address, &b->address))
		return false;
	return a->first <= publish_last(b, copies) && b->first <= publish_last(a, copies);
}

int publish_check(const struct publish *all, char *const *texts, size_t count, unsigned int copies)
{
	int first_err = 0;

	for (size_t i = 0; i < count; i++) {
		int err = publish_check_one(&all[i], texts[i], copies);

		for (size_t j = 0; !err && j < i; j++)
			if (publish_overlap(&all[i], &all[j], copies))
				err = error_say(-EINVAL,
						"%s and %s overlap: a host port leads to one port",
						texts[j], texts[i]);
		first_err = first_err ? first_err : err;
	}
	return first_err;
}

struct plan_port publish_to_plan(const struct publish *publish)
{
	return (struct plan_port){
		.protocol = publish->protocol,
		.copy_port = publish->port,
		.is_shared = publish_is_shared(publish),
		.first_host_port = publish->first,
		.last_host_port = publish->is_open ? UINT16_MAX : publish->last,
		.address = publish->address,
	};
}
