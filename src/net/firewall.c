// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * firewall.c - reads all base chains, then the rules of those that could drop our packets.
 */
#include "net/firewall.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/firewall_rule.h"

static const char *firewall_family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	default:
		return NULL;
	}
}

/* A base chain that could be in the way: its rules, which are read later, decide. */
struct firewall_candidate {
	struct firewall_chain chain;
	uint32_t nfproto;
	bool policy_drop;
};

struct firewall_search {
	const char *own_prefix;
	struct firewall_candidate *candidates;
	size_t count;
	int err;
};

/* netlink_talk() asks again for a dump that was inconsistent, so a chain can come twice. */
static bool firewall_is_listed(const struct firewall_search *search,
			       const struct firewall_candidate *candidate)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->candidates[i].nfproto == candidate->nfproto &&
		    strcmp(search->candidates[i].chain.table, candidate->chain.table) == 0 &&
		    strcmp(search->candidates[i].chain.chain, candidate->chain.chain) == 0)
			return true;
	return false;
}

static void firewall_consider(struct firewall_search *search, const struct nftnl_chain *chain)
{
	struct firewall_candidate candidate = {0};
	struct firewall_candidate *grown;
	const char *type = nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE);
	const char *table = nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE);
	const char *name = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME);

	candidate.nfproto = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);
	candidate.chain.family = firewall_family_name(candidate.nfproto);
	if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) || !type || !table || !name ||
	    strcmp(type, "filter") != 0 || !candidate.chain.family ||
	    strncmp(table, search->own_prefix, strlen(search->own_prefix)) == 0 ||
	    strlen(table) >= FIREWALL_NAME_MAX || strlen(name) >= FIREWALL_NAME_MAX)
		return;
	candidate.chain.hook = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
	if (candidate.chain.hook != NF_INET_LOCAL_IN && candidate.chain.hook != NF_INET_FORWARD &&
	    candidate.chain.hook != NF_INET_LOCAL_OUT)
		return;
	candidate.policy_drop = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_DROP;
	snprintf(candidate.chain.table, sizeof(candidate.chain.table), "%s", table);
	snprintf(candidate.chain.chain, sizeof(candidate.chain.chain), "%s", name);
	if (firewall_is_listed(search, &candidate))
		return;
	grown = reallocarray(search->candidates, search->count + 1, sizeof(*grown));
	if (!grown) {
		search->err = -ENOMEM;
		return;
	}
	search->candidates = grown;
	search->candidates[search->count++] = candidate;
}

static int firewall_on_chain(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return MNL_CB_ERROR;
	if (nftnl_chain_nlmsg_parse(nlh, chain) == 0)
		firewall_consider(data, chain);
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

enum { FIREWALL_CHAINS_MAX = 64 };

/* What the rules of a base chain, and of the chains that it jumps to, do with our packets. */
struct firewall_verdict {
	struct firewall_links links;
	uint32_t hook;
	bool lets_us;   /* a rule that seems to be about our packets accepts */
	bool drops_all; /* a rule of the base chain drops or rejects every packet that comes to it
			 */
	char chains[FIREWALL_CHAINS_MAX][FIREWALL_NAME_MAX]; /* to read; base chain first */
	size_t count, current;
};

static void firewall_follow(void *data, const char *chain)
{
	struct firewall_verdict *verdict = data;

	for (size_t i = 0; i < verdict->count; i++)
		if (strcmp(verdict->chains[i], chain) == 0)
			return;
	if (verdict->count < FIREWALL_CHAINS_MAX && strlen(chain) < FIREWALL_NAME_MAX)
		snprintf(verdict->chains[verdict->count++], FIREWALL_NAME_MAX, "%s", chain);
}

static int firewall_on_rule(const struct nlmsghdr *nlh, void *data)
{
	struct firewall_verdict *verdict = data;
	bool is_base = verdict->current == 0;
	struct firewall_rule parts;
	struct nftnl_rule *rule;

	if (is_base && verdict->drops_all) /* nothing comes as far as this rule */
		return MNL_CB_OK;
	rule = nftnl_rule_alloc();
	if (!rule)
		return MNL_CB_ERROR;
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0) {
		firewall_rule_read(rule, &verdict->links, firewall_follow, verdict, &parts);
		verdict->lets_us = verdict->lets_us || firewall_rule_lets_us(&parts, verdict->hook);
		if (is_base)
			verdict->drops_all = parts.drops && !parts.matches;
	}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static int firewall_judge(struct netlink *nl, const char *bridge,
			  const struct firewall_candidate *candidate, bool *ret_is_in_the_way)
{
	struct firewall_verdict verdict = {
		.links = {.bridge = bridge,
			  .bridge_index = if_nametoindex(bridge),
			  .lo_index = if_nametoindex("lo")},
		.hook = candidate->chain.hook,
	};

	firewall_follow(&verdict, candidate->chain.chain);
	for (; verdict.current < verdict.count; verdict.current++) {
		char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
		struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(
			buf, NFT_MSG_GETRULE, (uint16_t)candidate->nfproto, NLM_F_DUMP, 0);
		int err;

		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, candidate->chain.table);
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, verdict.chains[verdict.current]);
		err = netlink_talk(nl, nlh, firewall_on_rule, &verdict);
		if (err)
			return err;
	}
	*ret_is_in_the_way = !verdict.lets_us && (candidate->policy_drop || verdict.drops_all);
	return 0;
}

/* Return: 0, with the chains that are in the way, to be freed with free(); or -errno. */
static int firewall_select(struct netlink *nl, const char *bridge,
			   const struct firewall_search *search, struct firewall_chain **ret_chains,
			   size_t *ret_count)
{
	struct firewall_chain *chains = NULL;
	size_t count = 0;

	if (search->count > 0) {
		chains = calloc(search->count, sizeof(*chains));
		if (!chains)
			return -ENOMEM;
	}
	for (size_t i = 0; i < search->count; i++) {
		bool is_in_the_way;
		int err = firewall_judge(nl, bridge, &search->candidates[i], &is_in_the_way);

		if (err) {
			free(chains);
			return err;
		}
		if (is_in_the_way)
			chains[count++] = search->candidates[i].chain;
	}
	*ret_chains = chains;
	*ret_count = count;
	return 0;
}

int firewall_find(struct netlink *nl, const char *bridge, const char *own_prefix,
		  struct firewall_chain **ret_chains, size_t *ret_count)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct firewall_search search = {.own_prefix = own_prefix};
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NLM_F_DUMP, 0);
	int err = netlink_talk(nl, nlh, firewall_on_chain, &search);

	if (!err)
		err = search.err;
	if (!err)
		err = firewall_select(nl, bridge, &search, ret_chains, ret_count);
	free(search.candidates);
	return err;
}

static size_t firewall_add_insert(const struct firewall_chain *chain, const char *match, char *text,
				  size_t size)
{
	return (size_t)snprintf(text, size, "insert rule %s %s %s %s accept; ", chain->family,
				chain->table, chain->chain, match);
}

void firewall_format_command(const struct firewall_chain *chain, const char *bridge, char *command)
{
	char in[64], out[64];
	size_t length = (size_t)snprintf(command, FIREWALL_COMMAND_MAX, "nft '");

	/* In the output hook, oifname is still the link from before the translation: lo. */
	if (chain->hook == NF_INET_LOCAL_OUT)
		snprintf(out, sizeof(out), "oifname \"lo\" ct status dnat");
	else
		snprintf(out, sizeof(out), "oifname \"%.15s\"", bridge);
	snprintf(in, sizeof(in), "iifname \"%.15s\"%s", bridge,
		 chain->hook == NF_INET_LOCAL_IN ? " ct state established,related" : "");
	if (chain->hook != NF_INET_LOCAL_IN)
		length += firewall_add_insert(chain, out, command + length,
					      FIREWALL_COMMAND_MAX - length);
	if (chain->hook != NF_INET_LOCAL_OUT)
		length += firewall_add_insert(chain, in, command + length,
					      FIREWALL_COMMAND_MAX - length);
	snprintf(command + length - strlen("; "), FIREWALL_COMMAND_MAX - length, "'");
}

const char *firewall_whom(const struct firewall_chain *chain)
{
	switch (chain->hook) {
	case NF_INET_FORWARD:
		return "clients on the LAN, copies that call each other, and what copies call";
	case NF_INET_LOCAL_OUT:
		return "this host's own clients (localhost)";
	default:
		return "the answers to this host's own clients (localhost)";
	}
}
