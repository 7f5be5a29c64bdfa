// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * refusal.c - the chains that refuse connections to ports of ours that lead nowhere.
 *
 * All packets that this host sends or receives pass here, so that what most of them need is one
 * look into a set.
 */
#include "net/refusal.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>

#include "net/ruleset.h"

static void refusal_add_chain(struct nft_batch *batch)
{
	static const char comment[] = "as if nobody listened";
	struct nft_rule rule;

	nft_batch_add_chain(batch, REFUSAL_CHAIN, NULL);
	/* meta l4proto tcp fib daddr type local reject with tcp reset */
	rule = nft_rule_start(batch, REFUSAL_CHAIN);
	match_l4proto(&rule, IPPROTO_TCP);
	match_daddr_local(&rule, true);
	do_reject_tcp(&rule);
	nft_batch_add_rule(batch, &rule, comment);
	/* fib daddr type local reject */
	rule = nft_rule_start(batch, REFUSAL_CHAIN);
	match_daddr_local(&rule, true);
	do_reject(&rule);
	nft_batch_add_rule(batch, &rule, comment);
}

static void refusal_add_hook(struct nft_batch *batch, const char *chain, uint32_t hook)
{
	struct nft_rule rule;

	nft_batch_add_base_chain(batch, chain, "filter", hook, NF_IP_PRI_FILTER);
	if (hook == NF_INET_LOCAL_IN) {
		/*
		 * ct direction reply accept
		 * Who begins a connection never sends a reply, so that none to a port of ours
		 * passes here. What has no connection has no direction either, and goes on.
		 */
		rule = nft_rule_start(batch, chain);
		match_ct_reply(&rule);
		do_accept(&rule);
		nft_batch_add_rule(batch, &rule, "answers to this host: to no port of ours");
	}
	/* meta l4proto . th dport @reserved goto refuse */
	rule = nft_rule_start(batch, chain);
	match_port_in(&rule, RULESET_RESERVED);
	do_goto(&rule, REFUSAL_CHAIN);
	nft_batch_add_rule(batch, &rule, REFUSAL_COMMENT);
}

/*
 * This host's own packets are refused in the output hook. In the input hook they have a conntrack
 * entry already, which would stay for 10 s, without a translation: who called again by the same
 * source port within that time would be refused again, also if the port led to a copy by then.
 */
void refusal_add(struct nft_batch *batch)
{
	refusal_add_chain(batch);
	refusal_add_hook(batch, "unmapped", NF_INET_LOCAL_IN);
	refusal_add_hook(batch, "unmapped-here", NF_INET_LOCAL_OUT);
}
