// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * batch.c - nftables objects as messages of one batch.
 */
#include "net/batch.h"

#include <arpa/inet.h>
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

	/* nft's own numbers for the types of a set (include/datatype.h of nftables) */
	TYPE_NF_PROTO = 2,
	TYPE_INET_PROTO = 12,
	TYPE_INET_SERVICE = 13,
	TYPE_IFACE_INDEX = 20,
	TYPE_CONCAT_BITS = 6,
	TYPE_PROTO_LINK = TYPE_NF_PROTO << TYPE_CONCAT_BITS | TYPE_IFACE_INDEX,
	TYPE_PROTO_SERVICE = TYPE_INET_PROTO << TYPE_CONCAT_BITS | TYPE_INET_SERVICE,
};

/* The key of a port: the parts of a concatenation fill 4 bytes each. */
struct port_key {
	uint8_t protocol;
	uint8_t protocol_padding[3];
	uint16_t port; /* network order */
	uint8_t port_padding[2];
};

/* The key of a link. */
struct link_key {
	uint8_t nfproto;
	uint8_t nfproto_padding[3];
	uint32_t ifindex; /* host order */
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

static struct nlmsghdr *nft_batch_message(struct nft_batch *batch, uint16_t type, uint16_t flags)
{
	if (!nft_batch_reserve(batch))
		return NULL;
	return nftnl_nlmsg_build_hdr(batch->data + batch->length, type, NFPROTO_INET, flags,
				     ++batch->sequence);
}

static void nft_batch_push(struct nft_batch *batch, const struct nlmsghdr *nlh)
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

/*
 * Packs a comment as nft does: as a typed string in the object's user data. A comment that is too
 * long loses its beginning, because the end of a path tells more.
 */
static struct nftnl_udata_buf *comment_pack(struct nft_batch *batch, uint8_t type,
					    const char *comment)
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

static void comment_free(struct nftnl_udata_buf *udata)
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
	struct nftnl_udata_buf *udata = comment_pack(batch, NFTNL_UDATA_TABLE_COMMENT, comment);
	struct nftnl_table *table = nftnl_table_alloc();

	if (table)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, flags);
	if (table && udata)
		nftnl_table_set_data(table, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(udata),
				     nftnl_udata_buf_len(udata));
	nft_batch_put_table(batch, table, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	comment_free(udata);
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
	struct nftnl_udata_buf *udata = comment_pack(batch, NFTNL_UDATA_CHAIN_COMMENT, comment);
	struct nftnl_chain *chain = chain_new(batch, name);

	if (chain && udata)
		nftnl_chain_set_data(chain, NFTNL_CHAIN_USERDATA, nftnl_udata_buf_data(udata),
				     nftnl_udata_buf_len(udata));
	nft_batch_put_chain(batch, chain, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	comment_free(udata);
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

/* Puts a set into the batch. @key_type, @key_length: as nft has them. */
static void nft_batch_add_set(struct nft_batch *batch, const char *name, const char *comment,
			      uint32_t flags, uint32_t key_type, uint32_t key_length)
{
	struct nftnl_udata_buf *udata = comment_pack(batch, NFTNL_UDATA_SET_COMMENT, comment);
	struct nlmsghdr *nlh = nft_batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
	struct nftnl_set *set = nftnl_set_alloc();

	if (set && nlh && !batch->err) {
		nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
		nftnl_set_set_str(set, NFTNL_SET_NAME, name);
		nftnl_set_set_u32(set, NFTNL_SET_ID, batch->sequence);
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, key_type);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, key_length);
		if (flags & NFT_SET_MAP)
			nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
		nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata),
				   nftnl_udata_buf_len(udata));
		nftnl_set_nlmsg_build_payload(nlh, set);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (set)
		nftnl_set_free(set);
	comment_free(udata);
}

void nft_batch_add_port_set(struct nft_batch *batch, const char *name, const char *comment,
			    bool is_map)
{
	nft_batch_add_set(batch, name, comment, is_map ? NFT_SET_MAP : 0, TYPE_PROTO_SERVICE,
			  sizeof(struct port_key));
}

void nft_batch_add_link_set(struct nft_batch *batch, const char *name, const char *comment)
{
	nft_batch_add_set(batch, name, comment, 0, TYPE_PROTO_LINK, sizeof(struct link_key));
}

static struct nftnl_set_elem *port_elem_new(uint8_t protocol, uint16_t port, const char *chain,
					    const struct nftnl_udata_buf *udata)
{
	const struct port_key key = {.protocol = protocol, .port = htons(port)};
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (!elem)
		return NULL;
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, &key, sizeof(key));
	if (chain) {
		nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_GOTO);
		nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_CHAIN, chain);
	}
	if (udata)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(udata),
				   nftnl_udata_buf_len(udata));
	return elem;
}

/* Puts an element into the batch and frees it. */
static void nft_batch_put_elem(struct nft_batch *batch, const char *name,
			       struct nftnl_set_elem *elem, uint16_t type, uint16_t flags)
{
	struct nftnl_set *set = elem ? nftnl_set_alloc() : NULL;
	struct nlmsghdr *nlh = set ? nft_batch_message(batch, type, flags) : NULL;

	if (nlh) {
		nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
		nftnl_set_set_str(set, NFTNL_SET_NAME, name);
		nftnl_set_elem_add(set, elem);
		elem = NULL; /* the set owns it now */
		nftnl_set_elems_nlmsg_build_payload(nlh, set);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (elem)
		nftnl_set_elem_free(elem);
	if (set)
		nftnl_set_free(set);
}

void nft_batch_add_port(struct nft_batch *batch, const char *set, uint8_t protocol, uint16_t port,
			const char *chain, const char *comment)
{
	struct nftnl_udata_buf *udata = comment_pack(batch, NFTNL_UDATA_SET_ELEM_COMMENT, comment);

	nft_batch_put_elem(batch, set, port_elem_new(protocol, port, chain, udata),
			   NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL);
	comment_free(udata);
}

void nft_batch_delete_port(struct nft_batch *batch, const char *set, uint8_t protocol,
			   uint16_t port)
{
	nft_batch_put_elem(batch, set, port_elem_new(protocol, port, NULL, NULL),
			   NFT_MSG_DELSETELEM, 0);
}

static struct nftnl_set_elem *link_elem_new(uint8_t nfproto, unsigned int ifindex)
{
	const struct link_key key = {.nfproto = nfproto, .ifindex = ifindex};
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (elem)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, &key, sizeof(key));
	return elem;
}

void nft_batch_add_link(struct nft_batch *batch, const char *set, uint8_t nfproto,
			unsigned int ifindex)
{
	nft_batch_put_elem(batch, set, link_elem_new(nfproto, ifindex), NFT_MSG_NEWSETELEM,
			   NLM_F_CREATE);
}

void nft_batch_delete_link(struct nft_batch *batch, const char *set, uint8_t nfproto,
			   unsigned int ifindex)
{
	nft_batch_put_elem(batch, set, link_elem_new(nfproto, ifindex), NFT_MSG_DELSETELEM, 0);
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

void nft_batch_add_rule(struct nft_batch *batch, struct nft_rule *rule, const char *comment)
{
	struct nftnl_udata_buf *udata = comment_pack(batch, NFTNL_UDATA_RULE_COMMENT, comment);
	struct nlmsghdr *nlh = NULL;

	if (!rule->failed)
		nlh = nft_batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
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
	comment_free(udata);
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

void nft_batch_free(struct nft_batch *batch)
{
	free(batch->data);
	batch->data = NULL;
}
