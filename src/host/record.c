// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - records to lines and back.
 */
#include "host/record.h"

#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_PREFIX_MIN = 8 }; /* no network of ours is larger than a /8 */

void record_format(const struct record *record, char *line)
{
	char ipv4[ADDRESS_TEXT_MAX], ipv6[ADDRESS_TEXT_MAX];
	const uint8_t *mac = record->mac.octet;

	switch (record->kind) {
	case RECORD_LINKS:
		snprintf(line, RECORD_LINE_MAX, "links %02x:%02x:%02x:%02x:%02x:%02x\n", mac[0],
			 mac[1], mac[2], mac[3], mac[4], mac[5]);
		break;
	case RECORD_CONNTRACK:
		snprintf(line, RECORD_LINE_MAX, "conntrack %s %s\n",
			 address_format_network(&record->networks[0], ipv4),
			 address_format_network(&record->networks[1], ipv6));
		break;
	case RECORD_UPLINK:
		snprintf(line, RECORD_LINE_MAX, "uplink %s %u\n",
			 record->family == AF_INET6 ? "ipv6" : "ipv4", record->ifindex);
		break;
	case RECORD_LRO:
		snprintf(line, RECORD_LINE_MAX, "lro %u\n", record->ifindex);
		break;
	case RECORD_DIRECTORY:
		snprintf(line, RECORD_LINE_MAX, "directory %s\n", record->path);
		break;
	case RECORD_CGROUP:
		snprintf(line, RECORD_LINE_MAX, "cgroup %s\n", record->path);
		break;
	case RECORD_GUARD:
		snprintf(line, RECORD_LINE_MAX, "guard %s\n", record->table);
		break;
	case RECORD_RULES:
		snprintf(line, RECORD_LINE_MAX, "rules %s %s %s\n", record->link,
			 address_format_network(&record->networks[0], ipv4),
			 address_format_network(&record->networks[1], ipv6));
		break;
	}
}

/* Return: the text behind "WORD " if @line begins with that; otherwise NULL. */
static const char *record_behind(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static bool record_parse_mac(const char *text, struct mac *ret)
{
	struct ether_addr mac;

	if (!ether_aton_r(text, &mac))
		return false;
	memcpy(ret->octet, mac.ether_addr_octet, sizeof(ret->octet));
	return (ret->octet[0] & 0x03) == 0x02; /* unicast, locally administered */
}

static bool record_parse_word(const char **text, char *word, size_t size)
{
	size_t length = strcspn(*text, " ");

	if (length == 0 || length >= size || (*text)[length] != ' ')
		return false;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += length + 1;
	return true;
}

static bool record_parse_path(const char *text, char *path)
{
	size_t length = strlen(text);
	const char *end = length >= 3 ? text + length - 3 : "";

	if (length == 0 || length >= PATH_MAX || strstr(text, "/../") || strcmp(end, "/..") == 0)
		return false;
	memcpy(path, text, length + 1);
	return true;
}

static bool record_parse_network(const char *text, sa_family_t family, struct address *ret)
{
	return strchr(text, '/') && address_parse(ret, text) && ret->family == family &&
	       ret->prefix >= RECORD_PREFIX_MIN;
}

static bool record_parse_networks(const char *text, struct address networks[2])
{
	char ipv4[ADDRESS_TEXT_MAX];

	return record_parse_word(&text, ipv4, sizeof(ipv4)) &&
	       record_parse_network(ipv4, AF_INET, &networks[0]) &&
	       record_parse_network(text, AF_INET6, &networks[1]);
}

static bool record_parse_link(const char *text, unsigned int *ret)
{
	*ret = (unsigned int)strtoul(text, NULL, 10);
	return *ret > 0 && *ret <= INT_MAX;
}

static bool record_parse_uplink(const char *text, struct record *ret)
{
	char family[8];

	if (!record_parse_word(&text, family, sizeof(family)))
		return false;
	ret->family = strcmp(family, "ipv6") == 0 ? AF_INET6 : AF_INET;
	return record_parse_link(text, &ret->ifindex);
}

static bool record_parse_guard(const char *text, char table[NFT_TABLE_MAX])
{
	return snprintf(table, NFT_TABLE_MAX, "%s", text) < NFT_TABLE_MAX && guard_is_name(table);
}

static bool record_parse_rules(const char *text, struct record *ret)
{
	return record_parse_word(&text, ret->link, sizeof(ret->link)) &&
	       record_parse_networks(text, ret->networks);
}

static bool record_parse_line(const char *line, struct record *ret)
{
	const char *rest;

	if ((rest = record_behind(line, "links"))) {
		ret->kind = RECORD_LINKS;
		return record_parse_mac(rest, &ret->mac);
	}
	if ((rest = record_behind(line, "conntrack"))) {
		ret->kind = RECORD_CONNTRACK;
		return record_parse_networks(rest, ret->networks);
	}
	if ((rest = record_behind(line, "uplink"))) {
		ret->kind = RECORD_UPLINK;
		return record_parse_uplink(rest, ret);
	}
	if ((rest = record_behind(line, "lro"))) {
		ret->kind = RECORD_LRO;
		return record_parse_link(rest, &ret->ifindex);
	}
	if ((rest = record_behind(line, "directory"))) {
		ret->kind = RECORD_DIRECTORY;
		return rest[0] == '/' && record_parse_path(rest, ret->path);
	}
	if ((rest = record_behind(line, "guard"))) {
		ret->kind = RECORD_GUARD;
		return record_parse_guard(rest, ret->table);
	}
	if ((rest = record_behind(line, "rules"))) {
		ret->kind = RECORD_RULES;
		return record_parse_rules(rest, ret);
	}
	if ((rest = record_behind(line, "cgroup"))) {
		ret->kind = RECORD_CGROUP;
		return rest[0] == '/' && record_parse_path(rest, ret->path);
	}
	return false;
}

/*
 * The parsers of numbers and addresses accept more than we write. So the record is written again:
 * if the line differs, it is not ours.
 */
bool record_parse(const char *line, struct record *ret)
{
	struct record record = {0};
	char again[RECORD_LINE_MAX];

	if (!record_parse_line(line, &record))
		return false;
	record_format(&record, again);
	again[strcspn(again, "\n")] = '\0';
	if (strcmp(line, again) != 0)
		return false;
	*ret = record;
	return true;
}
