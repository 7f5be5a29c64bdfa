// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.c - requests about a table as a whole.
 */
#include "net/table.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

bool nft_table_exists(const char *name)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK, 0);
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_NETFILTER);

	if (err)
		return false;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	err = netlink_talk(&nl, nlh, NULL, NULL);
	netlink_close(&nl);
	return err == 0;
}

int nft_table_delete(struct netlink *nl, const char *name)
{
	struct nft_batch batch;
	int err;

	nft_batch_start(&batch, name, nl->sequence);
	nft_batch_delete_table(&batch);
	err = nft_batch_send(&batch, nl);
	return err == -ENOENT ? 0 : err;
}
