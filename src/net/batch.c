// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * batch.c - nftables objects as messages of one batch.
 */
#include "net/batch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* the largest message: a rule of a dozen expressions and a comment */
	MESSAGE_MAX = 4096,
};

static bool nft_batch_reserve(struct nft_batch *batch)
{
	char *grown;

	if (batch->err)
		return false;
	if (batch->size - batch->length >= MESSAGE_MAX)
		return true;
	grown = realloc(batch->data, 2 * batch->size + 4 * (size_t)MESSAGE_MAX);
	if (!grown) {
		batch->err = -ENOMEM;
		return false;
	}
	batch->data = grown;
	batch->size = 2 * batch->size + 4 * (size_t)MESSAGE_MAX;
	return true;
}

struct nlmsghdr *nft_batch_message(struct nft_batch *batch, uint16_t type, uint16_t flags)
{
	if (!nft_batch_reserve(batch))
		return NULL;
	return nftnl_nlmsg_build_hdr(batch->data + batch->length, type, NFPROTO_INET, flags,
				     ++batch->sequence);
}

void nft_batch_push(struct nft_batch *batch, const struct nlmsghdr *nlh)
{
	batch->newest = batch->length;
	batch->length += MNL_ALIGN(nlh->nlmsg_len);
}

void nft_batch_start(struct nft_batch *batch, const char *table, uint32_t sequence)
{
	*batch = (struct nft_batch){.table = table, .sequence = sequence};
	if (nft_batch_reserve(batch))
		nft_batch_push(batch, nftnl_batch_begin(batch->data, ++batch->sequence));
}

/* A comment that is too long loses its beginning, because the end of a path tells more. */
struct nftnl_udata_buf *nft_comment_pack(struct nft_batch *batch, uint8_t type, const char *comment)
{
	struct nftnl_udata_buf *udata;
	char text[NFTNL_UDATA_COMMENT_MAXLEN];
	const char *cut = "";
	size_t length;

	if (!comment)
		return NULL;
	length = strlen(comment);
	if (length >= sizeof(text)) {
		comment += length - (sizeof(text) - sizeof("..."));
		while ((*comment & 0xc0) == 0x80) /* not in the middle of a UTF-8 character */
			comment++;
		cut = "...";
	}
	snprintf(text, sizeof(text), "%s%s", cut, comment);
	for (char *c = text; *c; c++) /* nft's own syntax has no way to quote these */
		if (*c == '"' || (unsigned char)*c < ' ')
			*c = '?';
	udata = nftnl_udata_buf_alloc(2 * NFTNL_UDATA_COMMENT_MAXLEN);
	if (!udata || !nftnl_udata_put_strz(udata, type, text))
		batch->err = -ENOMEM;
	return udata;
}

void nft_comment_free(struct nftnl_udata_buf *udata)
{
	if (udata)
		nftnl_udata_buf_free(udata);
}

/* Puts @table into the batch and frees it. */
static void nft_batch_put_table(struct nft_batch *batch, struct nftnl_table *table, uint16_t type,
				uint16_t flags)
{
	struct nlmsghdr *nlh = table ? nft_batch_message(batch, type, flags) : NULL;

	if (nlh) {
		nftnl_table_set_str(table, NFTNL_TABLE_NAME, batch->table);
		nftnl_table_nlmsg_build_payload(nlh, table);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (table)
		nftnl_table_free(table);
}

void nft_batch_add_table(struct nft_batch *batch, const char *comment, uint32_t flags)
{
	struct nftnl_udata_buf *udata = nft_comment_pack(batch, NFTNL_UDATA_TABLE_COMMENT, comment);
	struct nftnl_table *table = nftnl_table_alloc();

	if (table)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, flags);
	if (table && udata)
		nftnl_table_set_data(table, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(udata),
				     nftnl_udata_buf_len(udata));
	nft_batch_put_table(batch, table, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	nft_comment_free(udata);
}

void nft_batch_delete_table(struct nft_batch *batch)
{
	nft_batch_put_table(batch, nftnl_table_alloc(), NFT_MSG_DELTABLE, 0);
}

/* Puts @chain into the batch and frees it. */
static void nft_batch_put_chain(struct nft_batch *batch, struct nftnl_chain *chain, uint16_t type,
				uint16_t flags)
{
	struct nlmsghdr *nlh = chain ? nft_batch_message(batch, type, flags) : NULL;

	if (nlh) {
		nftnl_chain_nlmsg_build_payload(nlh, chain);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (chain)
		nftnl_chain_free(chain);
}

static struct nftnl_chain *chain_new(const struct nft_batch *batch, const char *name)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (chain) {
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, batch->table);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	}
	return chain;
}

void nft_batch_add_chain(struct nft_batch *batch, const char *name, const char *comment)
{
	struct nftnl_udata_buf *udata = nft_comment_pack(batch, NFTNL_UDATA_CHAIN_COMMENT, comment);
	struct nftnl_chain *chain = chain_new(batch, name);

	if (chain && udata)
		nftnl_chain_set_data(chain, NFTNL_CHAIN_USERDATA, nftnl_udata_buf_data(udata),
				     nftnl_udata_buf_len(udata));
	nft_batch_put_chain(batch, chain, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nft_comment_free(udata);
}

void nft_batch_delete_chain(struct nft_batch *batch, const char *name)
{
	nft_batch_put_chain(batch, chain_new(batch, name), NFT_MSG_DELCHAIN, 0);
}

void nft_batch_flush_chain(struct nft_batch *batch, const char *name)
{
	struct nft_rule rule = nft_rule_start(batch, name); /* no handle: all rules of it */
	struct nlmsghdr *nlh = rule.failed ? NULL : nft_batch_message(batch, NFT_MSG_DELRULE, 0);

	if (nlh) {
		nftnl_rule_nlmsg_build_payload(nlh, rule.rule);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (rule.rule)
		nftnl_rule_free(rule.rule);
}

void nft_batch_add_base_chain(struct nft_batch *batch, const char *name, const char *type,
			      uint32_t hook, int32_t priority)
{
	struct nftnl_chain *chain = chain_new(batch, name);

	if (chain) {
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, type);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nft_batch_put_chain(batch, chain, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
}

struct nft_rule nft_rule_start(struct nft_batch *batch, const char *chain)
{
	struct nft_rule rule = {.rule = nftnl_rule_alloc()};

	if (!rule.rule) {
		rule.failed = true;
		return rule;
	}
	nftnl_rule_set_str(rule.rule, NFTNL_RULE_TABLE, batch->table);
	nftnl_rule_set_str(rule.rule, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u32(rule.rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	return rule;
}

static void nft_batch_put_rule(struct nft_batch *batch, struct nft_rule *rule, const char *comment,
			       uint16_t where)
{
	struct nftnl_udata_buf *udata = nft_comment_pack(batch, NFTNL_UDATA_RULE_COMMENT, comment);
	struct nlmsghdr *nlh = NULL;

	if (!rule->failed)
		nlh = nft_batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | where);
	if (nlh) {
		if (udata)
			nftnl_rule_set_data(rule->rule, NFTNL_RULE_USERDATA,
					    nftnl_udata_buf_data(udata),
					    nftnl_udata_buf_len(udata));
		nftnl_rule_nlmsg_build_payload(nlh, rule->rule);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (rule->rule)
		nftnl_rule_free(rule->rule);
	rule->rule = NULL;
	nft_comment_free(udata);
}

void nft_batch_add_rule(struct nft_batch *batch, struct nft_rule *rule, const char *comment)
{
	nft_batch_put_rule(batch, rule, comment, NLM_F_APPEND);
}

void nft_batch_insert_rule(struct nft_batch *batch, struct nft_rule *rule, const char *comment)
{
	nft_batch_put_rule(batch, rule, comment, 0);
}

int nft_batch_finish(struct nft_batch *batch)
{
	struct nlmsghdr *last;

	if (!nft_batch_reserve(batch))
		return batch->err;
	last = (struct nlmsghdr *)(batch->data + batch->newest);
	last->nlmsg_flags |= NLM_F_ACK;
	batch->last = last->nlmsg_seq;
	nft_batch_push(batch, nftnl_batch_end(batch->data + batch->length, ++batch->sequence));
	return 0;
}

int nft_batch_send(struct nft_batch *batch, struct netlink *nl)
{
	int err = nft_batch_finish(batch);

	if (!err)
		err = netlink_transact(nl, batch->data, batch->length, batch->last);
	nft_batch_free(batch);
	return err;
}

void nft_batch_free(struct nft_batch *batch)
{
	free(batch->data);
	batch->data = NULL;
}
