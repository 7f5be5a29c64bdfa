// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * share.c - deals buckets out.
 *
 * Bucket i leads to the copy i modulo their number: so the copies get their connections strictly in
 * turn. Where a client is to stay with its copy, only so many buckets change as have to; and so it
 * is with many copies, as long as one after the other comes or goes.
 */
#include "run/share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/pool.h"

enum {
	SHARE_BUCKETS = 840, /* divided by each number up to 8, and even within 5 % up to 42 */
	SHARE_FEW = 42,
	SHARE_MANY_TIMES = 10, /* for more copies: even within 5 % up to 420 */
	/* From one bucket to the next, so that those of one copy lie scattered: no divisor. */
	SHARE_STRIDE = 521,
};

static const char *const BALANCES[] = {
	[PLAN_ROUND_ROBIN] = "round-robin",
	[PLAN_RANDOM] = "random",
	[PLAN_SOURCE] = "by source address",
};

static const enum buckets_by BYS[] = {
	[PLAN_ROUND_ROBIN] = BUCKETS_ROUND_ROBIN,
	[PLAN_RANDOM] = BUCKETS_RANDOM,
	[PLAN_SOURCE] = BUCKETS_SOURCE,
};

static void share_format_name(char name[NAT_CHAIN_MAX], const char *what,
			      const struct nat_port *port, unsigned int order)
{
	int length = snprintf(name, NAT_CHAIN_MAX, "%s-%s-%u", what,
			      port->protocol == IPPROTO_UDP ? "udp" : "tcp", port->number);

	if (order > 1)
		snprintf(name + length, NAT_CHAIN_MAX - (size_t)length, "-%u", order);
}

static void share_format_comment(char *comment, size_t size, const struct nat_port *port,
				 enum plan_balance balance)
{
	char address[ADDRESS_TEXT_MAX] = "";
	bool is_bound = port->address.family != AF_UNSPEC;

	if (is_bound)
		address_format(&port->address, address);
	snprintf(comment, size, "port %u%s%s, shared by the copies: %s", port->number,
		 is_bound ? " of " : "", address, BALANCES[balance]);
}

/* Few or many, see SHARE_FEW. */
static struct pool share_pools[] = {
	POOL_OF(struct share_bucket[SHARE_BUCKETS]),
	POOL_OF(struct share_bucket[SHARE_BUCKETS * SHARE_MANY_TIMES]),
};

static struct pool *share_pool(uint32_t count)
{
	return &share_pools[count > SHARE_BUCKETS];
}

struct share *share_new(struct mapping *head, enum plan_balance balance, unsigned int copies,
			unsigned int order)
{
	struct share *share = calloc(1, sizeof(*share));
	uint32_t count = SHARE_BUCKETS * (copies > SHARE_FEW ? SHARE_MANY_TIMES : 1);

	if (share)
		share->buckets = pool_take(share_pool(count));
	if (!share || !share->buckets) {
		free(share);
		error_report(-ENOMEM, "port %u: cannot be shared", head->port.number);
		return NULL;
	}
	share->head = head;
	share_format_name(share->chain, "shared", &head->port, order);
	share_format_name(share->map, "buckets", &head->port, order);
	share_format_comment(share->comment, sizeof(share->comment), &head->port, balance);
	share->table = (struct buckets){
		.chain = share->chain,
		.map = share->map,
		.comment = share->comment,
		.by = BYS[balance],
		.count = count,
	};
	return share;
}

void share_free(struct share *share)
{
	if (!share)
		return;
	free(share->members);
	pool_give(share_pool(share->table.count), share->buckets);
	free(share);
}

void share_install(struct share *share)
{
	nat_add_buckets(share->head->nat, &share->table);
}

void share_uninstall(struct share *share)
{
	mapping_withdraw(share->head);
	nat_remove_buckets(share->head->nat, &share->table);
	share->count = 0;
}

/* ---- Members ---- */

static void share_number_members(struct share *share)
{
	for (size_t i = 0; i < share->count; i++)
		share->members[i]->seat = i;
	share->has_changed = true;
}

void share_put(struct share *share, struct mapping *member)
{
	size_t at = share->count;

	if (share->count == share->room) {
		struct mapping **grown =
			reallocarray(share->members, 2 * share->room + 1, sizeof(struct mapping *));

		if (!grown) {
			error_report(-ENOMEM, "port %u: cannot be led to copy %u",
				     share->head->port.number, member->copy);
			return;
		}
		share->members = grown;
		share->room = 2 * share->room + 1;
	}
	for (; at > 0 && share->members[at - 1]->copy > member->copy; at--)
		share->members[at] = share->members[at - 1];
	share->members[at] = member;
	share->count++;
	member->is_published = true;
	share_number_members(share);
}

void share_take(struct share *share, struct mapping *member)
{
	share->count--;
	for (size_t i = member->seat; i < share->count; i++)
		share->members[i] = share->members[i + 1];
	for (uint32_t i = 0; i < share->table.count; i++)
		if (share->buckets[i].leads_to == member)
			share->buckets[i].leads_to = NULL;
	member->is_published = false;
	member->has_led = true;
	share_number_members(share);
}

/* ---- Buckets ---- */

static void share_deal_in_turn(const struct share *share, struct mapping **deal)
{
	for (uint32_t i = 0; i < share->table.count; i++)
		deal[i] = share->members[i % share->count];
}

/* How many buckets each member is to have: those that have more than the rest keep one more. */
static void share_set_quotas(const struct share *share)
{
	uint32_t each = share->table.count / (uint32_t)share->count;
	uint32_t rest = share->table.count % (uint32_t)share->count;

	for (size_t i = 0; i < share->count; i++)
		share->members[i]->quota = 0;
	for (uint32_t i = 0; i < share->table.count; i++)
		if (share->buckets[i].leads_to)
			share->buckets[i].leads_to->quota++;
	for (size_t i = 0; i < share->count; i++) {
		bool has_more = rest && share->members[i]->quota > each;

		share->members[i]->quota = each + has_more;
		rest -= has_more;
	}
	for (size_t i = 0; rest; i++)
		if (share->members[i]->quota == each) {
			share->members[i]->quota++;
			rest--;
		}
}

/* Every member keeps what it has, up to its quota; what is left over goes to the others, in turn.
 */
static void share_deal_the_rest(const struct share *share, struct mapping **deal)
{
	uint32_t count = share->table.count, at = 0;
	size_t next = 0;

	share_set_quotas(share);
	for (uint32_t i = 0; i < count; i++, at = (at + SHARE_STRIDE) % count) {
		struct mapping *keeper = share->buckets[at].leads_to;

		deal[at] = keeper && keeper->quota > 0 ? keeper : NULL;
		if (deal[at])
			keeper->quota--;
	}
	for (uint32_t i = 0; i < count; i++, at = (at + SHARE_STRIDE) % count) {
		if (deal[at])
			continue;
		while (share->members[next % share->count]->quota == 0)
			next++;
		deal[at] = share->members[next++ % share->count];
		deal[at]->quota--;
	}
}

static void share_deal(struct share *share, struct mapping **deal)
{
	bool is_in_turn = share->table.by != BUCKETS_SOURCE;
	bool is_due = share->table.count == SHARE_BUCKETS || share->is_smooth_due;

	share->is_rough = share->count > 0 && is_in_turn && !is_due;
	share->is_smooth_due = false;
	if (share->count == 0)
		memset(deal, 0, share->table.count * sizeof(struct mapping *));
	else if (is_in_turn && is_due)
		share_deal_in_turn(share, deal);
	else
		share_deal_the_rest(share, deal);
}

/* Return: how many of @changes there are. */
static size_t share_compare(struct share *share, struct mapping *const *deal,
			    struct buckets_change *changes)
{
	size_t count = 0;

	for (uint32_t i = 0; i < share->table.count; i++) {
		struct share_bucket *bucket = &share->buckets[i];

		if (deal[i] == bucket->leads_to && bucket->is_led == (deal[i] != NULL))
			continue;
		changes[count++] = (struct buckets_change){
			.number = i,
			.is_led = bucket->is_led,
			.chain = deal[i] ? deal[i]->chain : NULL,
		};
		bucket->leads_to = deal[i];
		bucket->is_led = deal[i];
	}
	return count;
}

void share_smooth(struct share *share)
{
	share->is_smooth_due = share->is_rough;
	share->has_changed = share->has_changed || share->is_rough;
}

bool share_settle(struct share *share)
{
	struct mapping *head = share->head;
	struct mapping **deal;
	struct buckets_change *changes;

	if (!share->has_changed || !head->nat)
		return false;
	deal = calloc(share->table.count, sizeof(struct mapping *));
	changes = calloc(share->table.count, sizeof(*changes));
	if (deal && changes) {
		share->has_changed = false;
		share_deal(share, deal);
		if (share->count == 0)
			mapping_withdraw(head);
		nat_change_buckets(head->nat, share->map, changes,
				   share_compare(share, deal, changes));
		if (share->count > 0 && !head->is_published)
			nat_publish(head->nat, &head->port, share->chain, share->comment);
		head->is_published = share->count > 0;
	}
	free(deal);
	free(changes);
	return share->is_rough;
}
