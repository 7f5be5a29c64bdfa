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

static bool share_is_led(const struct share_bucket *bucket, const struct mapping *to)
{
	return bucket->leads_to == to && bucket->is_led == (to != NULL);
}

static struct buckets_change share_lead(struct share *share, uint32_t number, struct mapping *to)
{
	struct share_bucket *bucket = &share->buckets[number];
	const struct buckets_change change = {
		.number = number,
		.is_led = bucket->is_led,
		.chain = to ? to->chain : NULL,
	};

	bucket->leads_to = to;
	bucket->is_led = to;
	return change;
}

static struct mapping *share_whose_turn(const struct share *share, uint32_t number)
{
	return share->count ? share->members[number % share->count] : NULL;
}

/* Deals strictly in turn; to nobody, if there is none. Return: as share_deal(). */
static struct buckets_change *share_deal_in_turn(struct share *share, size_t *ret_count)
{
	struct buckets_change *changes;
	size_t count = 0;

	for (uint32_t i = 0; i < share->table.count; i++)
		count += !share_is_led(&share->buckets[i], share_whose_turn(share, i));
	changes = calloc(count + 1, sizeof(*changes));
	*ret_count = 0;
	for (uint32_t i = 0; changes && i < share->table.count; i++)
		if (!share_is_led(&share->buckets[i], share_whose_turn(share, i)))
			changes[(*ret_count)++] = share_lead(share, i, share_whose_turn(share, i));
	return changes;
}

/*
 * How many buckets each member, by its seat, is to have: those that have more than the rest keep
 * one more. Return: how many buckets change.
 */
static size_t share_set_quotas(const struct share *share, uint32_t *quotas)
{
	uint32_t each = share->table.count / (uint32_t)share->count;
	uint32_t rest = share->table.count % (uint32_t)share->count;
	size_t changes = share->table.count;

	for (uint32_t i = 0; i < share->table.count; i++)
		if (share->buckets[i].leads_to)
			quotas[share->buckets[i].leads_to->seat]++;
	for (size_t i = 0; i < share->count; i++) {
		uint32_t has = quotas[i];
		bool has_more = rest && has > each;

		quotas[i] = each + has_more;
		rest -= has_more;
		changes -= has < quotas[i] ? has : quotas[i];
	}
	for (size_t i = 0; rest; i++)
		if (quotas[i] == each) {
			quotas[i]++;
			rest--;
		}
	return changes;
}

/*
 * Every member keeps what it has, up to its quota; what is left over goes to the others, in turn.
 * Only what changes is written to: each page that the manager has written to is copied when the
 * next copy is born. Return: as share_deal().
 */
static struct buckets_change *share_deal_the_rest(struct share *share, size_t *ret_count)
{
	uint32_t *quotas = calloc(share->count, sizeof(*quotas));
	struct buckets_change *changes = NULL;
	uint32_t count = share->table.count, at = 0;
	size_t next = 0;

	*ret_count = 0;
	if (quotas)
		changes = calloc(share_set_quotas(share, quotas) + 1, sizeof(*changes));
	for (uint32_t i = 0; changes && i < count; i++, at = (at + SHARE_STRIDE) % count) {
		const struct mapping *keeper = share->buckets[at].leads_to;

		if (keeper && quotas[keeper->seat] > 0)
			quotas[keeper->seat]--;
		else
			changes[(*ret_count)++].number = at;
	}
	for (size_t i = 0; i < *ret_count; i++, next++) {
		while (quotas[next % share->count] == 0)
			next++;
		quotas[next % share->count]--;
		changes[i] =
			share_lead(share, changes[i].number, share->members[next % share->count]);
	}
	free(quotas);
	return changes;
}

/* Return: the changes, @ret_count of them, to be freed; NULL: no memory, and nothing is changed. */
static struct buckets_change *share_deal(struct share *share, size_t *ret_count)
{
	bool is_in_turn = share->table.by != BUCKETS_SOURCE;
	bool is_due = share->table.count == SHARE_BUCKETS || share->is_smooth_due;

	share->is_rough = share->count > 0 && is_in_turn && !is_due;
	share->is_smooth_due = false;
	if (share->count == 0 || (is_in_turn && is_due))
		return share_deal_in_turn(share, ret_count);
	return share_deal_the_rest(share, ret_count);
}

void share_smooth(struct share *share)
{
	share->is_smooth_due = share->is_rough;
	share->has_changed = share->has_changed || share->is_rough;
}

bool share_settle(struct share *share)
{
	struct mapping *head = share->head;
	struct buckets_change *changes;
	size_t count;

	if (!share->has_changed || !head->nat)
		return false;
	changes = share_deal(share, &count);
	if (!changes)
		return share->is_rough;
	share->has_changed = false;
	if (share->count == 0)
		mapping_withdraw(head);
	nat_change_buckets(head->nat, share->map, changes, count);
	free(changes);
	if (share->count > 0 && !head->is_published)
		nat_publish(head->nat, &head->port, share->chain, share->comment);
	head->is_published = share->count > 0;
	return share->is_rough;
}
