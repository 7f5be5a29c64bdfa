/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat_fixture.h - what a manager would ask nat.h for, and the table that it gets: all in one batch.
 */
#pragma once

#include "net/nat.h"
#include "net/ruleset.h"
#include "net/set.h"
#include "packet.h"
#include "table.h"

enum { COPIES_MAX = 1000, SEQUENCE = 4711, HOST_PORT = 8081, COPY_PORT = 8080 };

/* A host port and where it leads. */
struct fixture_port {
	uint8_t protocol;
	uint16_t port;
	struct address to, to6;
	struct mac mac; /* of the copy behind it */
	uint16_t to_port;
	const char *name, *comment;
};

/* A table for some copies, and what it was made of. */
struct fixture {
	struct nat_config config;
	size_t count;
	struct fixture_port ports[COPIES_MAX];
	char names[COPIES_MAX][32];
	struct nft_batch batch;
	struct table *table;
};

static inline struct address address_of(const char *text)
{
	struct address address = {0};

	assert_true(address_parse(&address, text));
	return address;
}

/* A packet as `FROM -> TO` to the first copy's host port; what differs is set by the test. */
static inline struct packet packet_of(const char *from, const char *to)
{
	return (struct packet){
		.from = address_of(from),
		.to = address_of(to),
		.protocol = IPPROTO_TCP,
		.port = HOST_PORT,
	};
}

static inline struct nat_backend backend_of(const struct fixture_port *port)
{
	return (struct nat_backend){
		.chain = port->name,
		.comment = port->comment,
		.to = port->to,
		.port = port->to_port,
	};
}

static inline struct nat_sender sender_of(const struct fixture *fixture, size_t index)
{
	const struct fixture_port *port = &fixture->ports[index];
	struct nat_sender sender = {.mac = port->mac, .address = port->to};

	if (fixture->config.ipv6.subnet.family != AF_UNSPEC)
		sender.address6 = port->to6;
	return sender;
}

/* Begins the batch, and puts in it what nat_open(), nat_hold_port(), nat_admit(), nat_add_backend()
 * and nat_publish() put into theirs. */
static inline void fixture_begin(struct fixture *fixture)
{
	nft_batch_start(&fixture->batch, fixture->config.table, SEQUENCE);
	ruleset_add_all(&fixture->batch, &fixture->config);
	for (size_t i = 0; i < fixture->count; i++) {
		const struct fixture_port *port = &fixture->ports[i];
		const struct nat_backend backend = backend_of(port);
		const struct nat_sender sender = sender_of(fixture, i);
		const struct nat_port host_port = {.protocol = port->protocol,
						   .number = port->port};

		ruleset_put_sender(&fixture->batch, &sender, true);
		ruleset_add_backend(&fixture->batch, &backend);
		nft_batch_add_port(&fixture->batch, RULESET_PUBLISHED, &host_port, port->name,
				   port->comment);
		nft_batch_add_port(&fixture->batch, RULESET_RESERVED, &host_port, NULL, NULL);
	}
}

/* Adds the rule for IPv6 of a port that is there. */
static inline void fixture_add_ipv6(struct fixture *fixture, size_t index)
{
	struct nat_backend backend = backend_of(&fixture->ports[index]);

	backend.to6 = fixture->ports[index].to6;
	ruleset_add_backend_ipv6(&fixture->batch, &backend);
}

static inline void fixture_end(struct fixture *fixture)
{
	assert_int_equal(nft_batch_finish(&fixture->batch), 0);
	fixture->table = table_read(&fixture->batch);
}

static inline void fixture_build(struct fixture *fixture)
{
	fixture_begin(fixture);
	fixture_end(fixture);
}

/* What the manager would ask for; UDP for every second copy beyond the first two. */
static inline struct fixture *fixture_prepare(size_t count)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->config = (struct nat_config){
		.table = "uva_test",
		.comment = "a table's comment",
		.bridge = "uva0",
		.ipv4.subnet = address_of(count > 200 ? "10.90.8.0/21" : "10.90.0.0/24"),
		.ipv6.subnet = address_of("fd00:90::/64"),
		.forwards_ipv6 = true,
		.maps_loopback6 = true,
	};
	fixture->count = count;
	fixture->config.ipv4.local_source = address_nth(&fixture->config.ipv4.subnet, 2);
	fixture->config.ipv6.local_source = address_nth(&fixture->config.ipv6.subnet, 2);
	fixture->config.ipv4.callers = address_half(&fixture->config.ipv4.subnet, true);
	fixture->config.ipv6.callers = address_half(&fixture->config.ipv6.subnet, true);
	for (size_t i = 0; i < count; i++) {
		snprintf(fixture->names[i], sizeof(fixture->names[i]), "copy-%zu", i + 1);
		fixture->ports[i] = (struct fixture_port){
			.protocol = i >= 2 && i % 2 ? IPPROTO_UDP : IPPROTO_TCP,
			.port = (uint16_t)(HOST_PORT + i),
			.to = address_nth(&fixture->config.ipv4.subnet, (uint32_t)(3 + i)),
			.to6 = address_nth(&fixture->config.ipv6.subnet, (uint32_t)(3 + i)),
			.mac = {{0x02, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}},
			.to_port = COPY_PORT,
			.name = fixture->names[i],
			.comment = "a copy's comment",
		};
	}
	return fixture;
}

static inline struct fixture *fixture_of(size_t count)
{
	struct fixture *fixture = fixture_prepare(count);

	fixture_build(fixture);
	return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
	table_free(fixture->table);
	nft_batch_free(&fixture->batch);
	free(fixture);
}

/* Runs @check on tables for a few and for many copies. */
static inline void for_few_and_many(void (*check)(const struct fixture *))
{
	static const size_t counts[] = {1, 2, COPIES_MAX};

	for (size_t i = 0; i < COUNT(counts); i++) {
		struct fixture *fixture = fixture_of(counts[i]);

		check(fixture);
		fixture_free(fixture);
	}
}
