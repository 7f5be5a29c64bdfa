// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * policy.c - from the host's routing rules and addresses to ours.
 */
#include "host/policy.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sysctl.h"
#include "net/route.h"

/* An address of this host that rules ask for, and the link that has it. */
struct policy_address {
	struct answer answer;
	unsigned int ifindex;
};

/* The host as it is, and what is to be made of it. */
struct policy_scan {
	const struct policy *policy;
	struct rule *found; /* of others */
	size_t found_count;
	struct policy_address *addresses;
	size_t address_count;
	struct rule *rules; /* to be ours */
	size_t rule_count;
};

/* Return: @array, now with room for one more than @count; NULL without memory: it is as it was. */
static void *policy_grow(void *array, size_t count, size_t size)
{
	/* Twice as long whenever its length is a power of two. */
	if ((count & (count - 1)) != 0)
		return array;
	return reallocarray(array, count ? 2 * count : 1, size);
}

static int policy_on_rule(const struct rule *rule, void *data)
{
	struct policy_scan *scan = data;
	struct rule *grown;

	if (rule->kind == RULE_OURS)
		return 0;
	grown = policy_grow(scan->found, scan->found_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	scan->found = grown;
	grown[scan->found_count++] = *rule;
	return 0;
}

/*
 * With our mark, a rule of others has to decide as it does without any: the mark has no bit that
 * such a rule looks at; or it looks at all of them, for another mark.
 */
static bool policy_mark_is_free(const struct policy_scan *scan, uint32_t mark)
{
	for (size_t i = 0; i < scan->found_count; i++) {
		const struct rule *rule = &scan->found[i];

		if (rule->mask == UINT32_MAX ? rule->mark == mark : (rule->mask & mark) != 0)
			return false;
	}
	for (size_t i = 0; i < scan->address_count; i++)
		if (scan->addresses[i].answer.mark == mark)
			return false;
	return true;
}

/* Return: a mark that nobody uses; 0: there is none. */
static uint32_t policy_choose_mark(const struct policy_scan *scan)
{
	for (unsigned int shift = 0; shift < 32; shift += 8)
		for (uint32_t byte = 1; byte <= 0xff; byte++)
			if (policy_mark_is_free(scan, byte << (24 - shift)))
				return byte << (24 - shift);
	return 0;
}

static bool policy_asks_for(const struct rule *rule, const struct address *address)
{
	return rule->kind == RULE_BY_SOURCE && rule->family == address->family &&
	       address_overlaps(&rule->from, address);
}

static bool policy_has_address(const struct policy_scan *scan, const struct address *address)
{
	for (size_t i = 0; i < scan->address_count; i++)
		if (address_is_equal(&scan->addresses[i].answer.address, address))
			return true;
	return false;
}

static int policy_add_address(struct policy_scan *scan, const struct address *address,
			      unsigned int ifindex)
{
	uint32_t mark = policy_choose_mark(scan);
	struct policy_address *grown;

	if (!mark) /* without one, these answers leave by the table main, as all others do */
		return 0;
	grown = policy_grow(scan->addresses, scan->address_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	scan->addresses = grown;
	grown[scan->address_count++] =
		(struct policy_address){.answer = {*address, mark}, .ifindex = ifindex};
	return 0;
}

static int policy_on_local(const struct route_local *local, void *data)
{
	struct policy_scan *scan = data;
	struct address address = local->address;

	address.prefix = (uint8_t)(8 * address_length(&address));
	if (local->ifindex == scan->policy->bridge_index || local->link_scope ||
	    policy_has_address(scan, &address))
		return 0;
	for (size_t i = 0; i < scan->found_count; i++)
		if (policy_asks_for(&scan->found[i], &address))
			return policy_add_address(scan, &address, local->ifindex);
	return 0;
}

static int policy_add_rule(struct policy_scan *scan, const struct rule *rule)
{
	struct rule *grown = policy_grow(scan->rules, scan->rule_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	scan->rules = grown;
	grown[scan->rule_count++] = *rule;
	return 0;
}

static bool policy_has_rules(const struct policy_scan *scan, sa_family_t family)
{
	for (size_t i = 0; i < scan->found_count; i++)
		if (scan->found[i].family == family && scan->found[i].kind != RULE_STANDARD)
			return true;
	return false;
}

/* The way to the bridge: behind the table local, which has the bridge's own addresses. */
static int policy_lead_to_bridge(struct policy_scan *scan, const struct address *network)
{
	struct rule rule = {
		.family = network->family,
		.table = RT_TABLE_MAIN,
		.to = *network,
		.suppressed = UINT32_MAX,
	};

	if (!policy_has_rules(scan, network->family))
		return 0;
	for (size_t i = 0; i < scan->found_count; i++) {
		if (scan->found[i].family != network->family ||
		    scan->found[i].table != RT_TABLE_LOCAL)
			continue;
		rule.priority = scan->found[i].priority;
		return policy_add_rule(scan, &rule);
	}
	return 0;
}

/* For each rule of others, and each address that it asks for, one of ours, in the same order. */
static int policy_make_rules(struct policy_scan *scan)
{
	int err = 0;

	for (size_t i = 0; !err && i < 2; i++)
		err = policy_lead_to_bridge(scan, &scan->policy->networks[i]);
	for (size_t i = 0; !err && i < scan->found_count * scan->address_count; i++) {
		const struct answer *answer = &scan->addresses[i % scan->address_count].answer;
		struct rule rule = scan->found[i / scan->address_count];

		if (!policy_asks_for(&rule, &answer->address))
			continue;
		rule.from = answer->address;
		rule.mark = answer->mark;
		rule.mask = UINT32_MAX;
		err = policy_add_rule(scan, &rule);
	}
	return err;
}

static int policy_look(struct policy_scan *scan, struct netlink *route)
{
	int err = rule_list(route, policy_on_rule, scan);

	if (!err)
		err = route_list_locals(route, policy_on_local, scan);
	if (!err)
		err = policy_make_rules(scan);
	return err;
}

static bool policy_is_equal(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->priority == b->priority && a->table == b->table &&
	       a->tos == b->tos && a->suppressed == b->suppressed && a->mark == b->mark &&
	       address_is_equal(&a->from, &b->from) && address_is_equal(&a->to, &b->to);
}

static bool policy_is_as_before(const struct policy *policy, const struct policy_scan *scan)
{
	if (policy->rule_count != scan->rule_count)
		return false;
	for (size_t i = 0; i < scan->rule_count; i++)
		if (!policy_is_equal(&policy->rules[i], &scan->rules[i]))
			return false;
	return true;
}

/* ---- The reverse path filter ---- */

static bool policy_filter_is(const char *link, const char *value)
{
	char path[64], now[SYSCTL_VALUE_MAX];

	snprintf(path, sizeof(path), "net/ipv4/conf/%s/rp_filter", link);
	return sysctl_read(path, now) == 0 && strcmp(now, value) == 0;
}

/* The larger of both values is what counts. */
static bool policy_is_strict(const char *link)
{
	return (policy_filter_is(link, "1") || policy_filter_is("all", "1")) &&
	       !policy_filter_is(link, "2") && !policy_filter_is("all", "2");
}

/*
 * The strict filter asks for the way back to a client, from the copy's own address and without a
 * mark: it cannot be told of our rules. To change it is not ours.
 */
static void policy_tell_filters(struct policy *policy, const struct policy_scan *scan)
{
	char name[IFNAMSIZ];

	for (size_t i = 0; i < scan->address_count && !policy->has_told; i++) {
		if (scan->addresses[i].answer.address.family != AF_INET ||
		    !if_indextoname(scan->addresses[i].ifindex, name) || !policy_is_strict(name))
			continue;
		policy->has_told = true;
		error_say(0,
			  "the reverse path filter of %s is strict, and so locks out clients that "
			  "are behind it by a routing rule only; to let them in: "
			  "sysctl net.ipv4.conf.%s.rp_filter=2",
			  name, name);
	}
}

/* ---- Making it so ---- */

static int policy_note(struct policy *policy)
{
	struct record record = {.kind = RECORD_RULES};
	int err;

	if (policy->is_noted)
		return 0;
	snprintf(record.link, sizeof(record.link), "%s", policy->bridge);
	memcpy(record.networks, policy->networks, sizeof(record.networks));
	err = log_note(policy->log, &record, NULL);
	policy->is_noted = !err;
	return err;
}

static int policy_mark_answers(const struct policy *policy, const struct policy_scan *scan)
{
	struct answer *answers = calloc(scan->address_count + 1, sizeof(*answers));

	if (!answers)
		return error_report(-ENOMEM, "cannot mark the answers of the copies");
	for (size_t i = 0; i < scan->address_count; i++)
		answers[i] = scan->addresses[i].answer;
	nat_set_answers(policy->nat, policy->bridge, answers, scan->address_count);
	free(answers);
	return nat_commit(policy->nat);
}

/* All of ours anew: what was before may be gone with the link, or stand in another order. */
static int policy_write_rules(const struct policy *policy, const struct policy_scan *scan,
			      struct netlink *route)
{
	int err = rule_delete_all(route, policy->bridge, policy->networks);

	for (size_t i = 0; !err && i < scan->rule_count; i++)
		err = rule_add(route, &scan->rules[i], scan->rules[i].mask ? policy->bridge : NULL);
	return err ? netlink_report(route, err, "cannot make the routing rules for %s",
				    policy->bridge)
		   : 0;
}

static int policy_apply(struct policy *policy, struct policy_scan *scan, struct netlink *route)
{
	int err = policy_note(policy);

	if (err)
		return err;
	policy_close(policy); /* if that fails half-way, ours are not as they were */
	err = policy_write_rules(policy, scan, route);
	if (err)
		return err;
	err = policy_mark_answers(policy, scan);
	if (err)
		return err;
	policy->rules = scan->rules;
	policy->rule_count = scan->rule_count;
	scan->rules = NULL;
	policy_tell_filters(policy, scan);
	return 0;
}

int policy_update(struct policy *policy, struct netlink *route)
{
	struct policy_scan scan = {.policy = policy};
	int err = policy_look(&scan, route);

	if (err)
		error_report(err, "cannot read the routing rules of this host");
	else if (!policy_is_as_before(policy, &scan))
		err = policy_apply(policy, &scan, route);
	free(scan.found);
	free(scan.addresses);
	free(scan.rules);
	return err;
}

void policy_close(struct policy *policy)
{
	free(policy->rules);
	policy->rules = NULL;
	policy->rule_count = 0;
}
