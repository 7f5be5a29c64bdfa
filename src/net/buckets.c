// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * buckets.c - a chain, a map, and many elements in each message.
 */
#include "net/buckets.h"

#include <errno.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "net/expr.h"
#include "net/set.h"

enum {
	BUCKETS_PER_MESSAGE = 32, /* an element takes less than 100 bytes of a message's 4096 */
	BUCKETS_SEED = 0x75766163 /* of jhash: nothing depends on it */
};

void buckets_add(struct nft_batch *batch, const struct buckets *buckets)
{
	static const sa_family_t families[] = {AF_INET, AF_INET6};
	struct nft_rule rule;

	nft_batch_add_bucket_map(batch, buckets->map, buckets->comment, buckets->count);
	nft_batch_add_chain(batch, buckets->chain, buckets->comment);
	if (buckets->by != BUCKETS_SOURCE) {
		/* numgen inc mod 840 vmap @buckets-tcp-8080 */
		rule = nft_rule_start(batch, buckets->chain);
		do_number_vmap(&rule, buckets->by == BUCKETS_RANDOM, buckets->count, buckets->map);
		nft_batch_add_rule(batch, &rule, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		/* jhash ip saddr mod 840 seed 0x75766163 vmap @buckets-tcp-8080 */
		rule = nft_rule_start(batch, buckets->chain);
		do_source_vmap(&rule, families[i], buckets->count, BUCKETS_SEED, buckets->map);
		nft_batch_add_rule(batch, &rule, NULL);
	}
}

static struct nftnl_set_elem *buckets_elem_new(uint32_t number, const char *chain)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (!elem)
		return NULL;
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, &number, sizeof(number));
	if (chain) {
		nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_GOTO);
		nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_CHAIN, chain);
	}
	return elem;
}

/* Puts what is to be deleted, or what is to be added, of some changes into one message. */
static void buckets_put(struct nft_batch *batch, const char *map,
			const struct buckets_change *changes, size_t count, bool adds)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nlmsghdr *nlh;
	size_t put = 0;

	for (size_t i = 0; set && i < count; i++) {
		struct nftnl_set_elem *elem;

		if (adds ? !changes[i].chain : !changes[i].is_led)
			continue;
		elem = buckets_elem_new(changes[i].number, adds ? changes[i].chain : NULL);
		if (!elem) {
			nftnl_set_free(set);
			set = NULL;
			break;
		}
		nftnl_set_elem_add(set, elem);
		put++;
	}
	nlh = set && put ? nft_batch_message(batch, adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
					     adds ? NLM_F_CREATE | NLM_F_EXCL : 0)
			 : NULL;
	if (nlh) {
		nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
		nftnl_set_set_str(set, NFTNL_SET_NAME, map);
		nftnl_set_elems_nlmsg_build_payload(nlh, set);
		nft_batch_push(batch, nlh);
	} else if (!set && !batch->err) {
		batch->err = -ENOMEM;
	}
	if (set)
		nftnl_set_free(set);
}

void buckets_change(struct nft_batch *batch, const char *map, const struct buckets_change *changes,
		    size_t count)
{
	for (size_t i = 0; i < count; i += BUCKETS_PER_MESSAGE) {
		size_t some = count - i < BUCKETS_PER_MESSAGE ? count - i : BUCKETS_PER_MESSAGE;

		buckets_put(batch, map, changes + i, some, false);
		buckets_put(batch, map, changes + i, some, true);
	}
}

void buckets_clear(struct nft_batch *batch, const char *chain, const char *map)
{
	nft_batch_flush_chain(batch, chain);
	nft_batch_flush_set(batch, map);
}
