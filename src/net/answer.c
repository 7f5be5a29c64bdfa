// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * answer.c - two chains, before and behind the routing of what copies send.
 */
#include "net/answer.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

static const char ANSWER_MARK[] = "mark-answers";
static const char ANSWER_UNMARK[] = "unmark-answers";

void answer_add_chains(struct nft_batch *batch)
{
	nft_batch_add_base_chain(batch, ANSWER_MARK, "filter", NF_INET_PRE_ROUTING,
				 NF_IP_PRI_MANGLE);
	nft_batch_add_base_chain(batch, ANSWER_UNMARK, "filter", NF_INET_FORWARD, NF_IP_PRI_RAW);
	nft_batch_flush_chain(batch, ANSWER_MARK);
	nft_batch_flush_chain(batch, ANSWER_UNMARK);
}

void answer_add(struct nft_batch *batch, const struct answer *answer, const char *bridge)
{
	struct nft_rule rule = nft_rule_start(batch, ANSWER_MARK);

	/*
	 * iifname "uva0" ct direction reply ct original ip daddr 203.0.113.1
	 * meta mark 0 meta mark set 0x1000000
	 */
	match_iifname(&rule, bridge, true);
	match_ct_reply(&rule);
	match_ct_daddr(&rule, &answer->address);
	match_mark(&rule, 0);
	do_mark(&rule, answer->mark);
	nft_batch_add_rule(batch, &rule, "route the answer as if this host itself gave it");
	/* iifname "uva0" meta mark 0x1000000 meta mark set 0 */
	rule = nft_rule_start(batch, ANSWER_UNMARK);
	match_iifname(&rule, bridge, true);
	match_mark(&rule, answer->mark);
	do_mark(&rule, 0);
	nft_batch_add_rule(batch, &rule, "it is routed: the mark is for nobody else");
}
