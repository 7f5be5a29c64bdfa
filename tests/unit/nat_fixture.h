/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat_fixture.h - what a manager would ask nat_build() for, and the table that it gets.
 */
#pragma once

#include "net/nat.h"
#include "table.h"

enum { COPIES_MAX = 1000, SEQUENCE = 4711, HOST_PORT = 8081, COPY_PORT = 8080 };

/* A table for some copies, and what it was made of. */
struct fixture {
	struct nat_config config;
	struct nat_port ports[COPIES_MAX];
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

static inline void fixture_build(struct fixture *fixture)
{
	assert_int_equal(nat_build(&fixture->batch, &fixture->config, SEQUENCE), 0);
	fixture->table = table_read(&fixture->batch);
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
		.ports = fixture->ports,
		.count = count,
	};
	fixture->config.ipv4.local_source = address_nth(&fixture->config.ipv4.subnet, 2);
	fixture->config.ipv6.local_source = address_nth(&fixture->config.ipv6.subnet, 2);
	for (size_t i = 0; i < count; i++) {
		snprintf(fixture->names[i], sizeof(fixture->names[i]), "copy-%zu", i + 1);
		fixture->ports[i] = (struct nat_port){
			.protocol = i >= 2 && i % 2 ? IPPROTO_UDP : IPPROTO_TCP,
			.port = (uint16_t)(HOST_PORT + i),
			.to = address_nth(&fixture->config.ipv4.subnet, (uint32_t)(3 + i)),
			.to6 = address_nth(&fixture->config.ipv6.subnet, (uint32_t)(3 + i)),
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
