/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch.h - builds an nftables transaction, as one netlink batch.
 *
 * Errors are remembered: build the whole transaction, then check what nft_batch_finish() returns.
 */
#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/table.h>
#include <stddef.h>
#include <stdint.h>

#include "net/expr.h"
#include "net/netlink.h"

struct nft_batch {
	char *data; /* messages, for netlink_transact(); owned */
	size_t length;
	size_t size;
	uint32_t sequence; /* of the newest message */
	uint32_t last;     /* of the message that asks for an acknowledgement */
	size_t newest;     /* where in @data the newest message begins */
	int err;
	const char *table;
};

/**
 * nft_batch_start() - begin a transaction on a table of the family inet
 * @table:    its name; must live as long as the batch
 * @sequence: netlink sequence number before the first message
 */
void nft_batch_start(struct nft_batch *batch, const char *table, uint32_t sequence);

/** nft_batch_add_table() - create the table; @flags: NFT_TABLE_F_*, such as its owner's. */
void nft_batch_add_table(struct nft_batch *batch, const char *comment, uint32_t flags);

/** nft_batch_delete_table() - delete the table and all that is in it. */
void nft_batch_delete_table(struct nft_batch *batch);

/** nft_batch_add_chain() - create a chain that rules jump or go to. @comment may be NULL. */
void nft_batch_add_chain(struct nft_batch *batch, const char *name, const char *comment);

/** nft_batch_delete_chain() - delete a chain that has no rules and that nothing leads to. */
void nft_batch_delete_chain(struct nft_batch *batch, const char *name);

/** nft_batch_flush_chain() - delete all rules of a chain. */
void nft_batch_flush_chain(struct nft_batch *batch, const char *name);

/** nft_batch_add_base_chain() - create a chain on @hook (NF_INET_*), of @type "nat" or "filter". */
void nft_batch_add_base_chain(struct nft_batch *batch, const char *name, const char *type,
			      uint32_t hook, int32_t priority);

/** nft_rule_start() - begin a rule at the end of @chain; fill it by the functions of expr.h. */
struct nft_rule nft_rule_start(struct nft_batch *batch, const char *chain);

/** nft_batch_add_rule() - put the rule into the batch and free it. @comment may be NULL. */
void nft_batch_add_rule(struct nft_batch *batch, struct nft_rule *rule, const char *comment);

/** nft_batch_insert_rule() - the same, but at the beginning of the chain. */
void nft_batch_insert_rule(struct nft_batch *batch, struct nft_rule *rule, const char *comment);

/**
 * nft_batch_finish() - end the transaction
 * Return: 0 or -errno (-ENOMEM), the first error while it was built.
 */
int nft_batch_finish(struct nft_batch *batch);

/**
 * nft_batch_send() - end the transaction, send it, and free it
 * Return: 0; or -errno, of nft_batch_finish() or netlink_transact().
 */
int nft_batch_send(struct nft_batch *batch, struct netlink *nl);

/** nft_batch_free() - free the messages. Safe on zeros. */
void nft_batch_free(struct nft_batch *batch);

/*
 * For those who put objects of other kinds into a batch.
 */

struct nftnl_udata_buf;

/**
 * nft_batch_message() - begin a message (NFT_MSG_*; @flags: NLM_F_*)
 * Return: its header, to be filled and given to nft_batch_push(); NULL after an error.
 */
struct nlmsghdr *nft_batch_message(struct nft_batch *batch, uint16_t type, uint16_t flags);

/** nft_batch_push() - the message is complete. */
void nft_batch_push(struct nft_batch *batch, const struct nlmsghdr *nlh);

/**
 * nft_comment_pack() - a comment as nft has it: a typed string in the object's user data
 * @type: NFTNL_UDATA_*_COMMENT
 * Return: to be freed by nft_comment_free(); NULL without a @comment, or after an error.
 */
struct nftnl_udata_buf *nft_comment_pack(struct nft_batch *batch, uint8_t type,
					 const char *comment);

/** nft_comment_free() - @udata may be NULL. */
void nft_comment_free(struct nftnl_udata_buf *udata);
