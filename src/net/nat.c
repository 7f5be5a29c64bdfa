// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nat.c - what the table contains, and its transactions.
 *
 * A connection to a host port is looked up once, by its first packet, in the verdict map
 * `published`; all later packets follow the connection's conntrack entry.
 */
#include "net/nat.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"

static const char MAP_PUBLISHED[] = "published";
static const char SET_RESERVED[] = "reserved";

/* A batch for a thousand copies is some hundred KiB: sent in one piece, it must fit. */
enum { NAT_SEND_BUFFER = 16 << 20 };

static const struct address LOOPBACK = {.family = AF_INET, .prefix = 8, .bytes = {127}};

static void nat_build_ports(struct nft_batch *batch, const struct nat_config *config)
{
	nft_batch_add_port_set(batch, MAP_PUBLISHED, "host port -> chain of the copy", true);
	nft_batch_add_port_set(batch, SET_RESERVED, "host ports that lead nowhere else", false);
	for (size_t i = 0; i < config->count; i++) {
		const struct nat_port *port = &config->ports[i];
		struct nft_rule rule;

		nft_batch_add_chain(batch, port->name, NULL);
		/* counter dnat ip to 10.90.0.3:8080 */
		rule = nft_rule_start(batch, port->name);
		do_counter(&rule);
		do_dnat(&rule, &port->to, port->to_port);
		nft_batch_add_rule(batch, &rule, port->comment);

		nft_batch_add_port(batch, MAP_PUBLISHED, port->protocol, port->port, port->name,
				   port->comment);
		nft_batch_add_port(batch, SET_RESERVED, port->protocol, port->port, NULL, NULL);
	}
}

static void nat_build_dnat(struct nft_batch *batch)
{
	struct nft_rule rule;

	nft_batch_add_base_chain(batch, "from-host", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
	/* fib daddr type local meta l4proto . th dport vmap @published */
	rule = nft_rule_start(batch, "from-host");
	match_daddr_local(&rule, true);
	do_port_vmap(&rule, MAP_PUBLISHED);
	nft_batch_add_rule(batch, &rule, "this host's own connections, on any of its addresses");
}

static void nat_build_snat(struct nft_batch *batch, const struct nat_config *config)
{
	struct nft_rule rule;

	nft_batch_add_base_chain(batch, "to-copies", "nat", NF_INET_POST_ROUTING,
				 NF_IP_PRI_NAT_SRC);
	/*
	 * oifname "uva0" ip saddr != 10.90.0.0/24 snat ip to 10.90.0.2
	 * With an address of its own: were it the one by which this host talks to the copies
	 * anyway, both would compete for the same source ports.
	 */
	rule = nft_rule_start(batch, "to-copies");
	match_oifname(&rule, config->bridge, true);
	match_saddr(&rule, &config->subnet, false);
	do_snat(&rule, &config->local_source);
	nft_batch_add_rule(batch, &rule, "answers find back: a copy knows no other network");
}

static void nat_build_guards(struct nft_batch *batch, const struct nat_config *config)
{
	struct nft_rule rule;

	nft_batch_add_base_chain(batch, "guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW);
	/* iifname "uva0" ip daddr 127.0.0.0/8 drop */
	rule = nft_rule_start(batch, "guard");
	match_iifname(&rule, config->bridge, true);
	match_daddr(&rule, &LOOPBACK, true);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "a copy does not reach this host's 127.0.0.0/8");

	nft_batch_add_base_chain(batch, "unmapped", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
	/* meta l4proto tcp meta l4proto . th dport @reserved reject with tcp reset */
	rule = nft_rule_start(batch, "unmapped");
	match_l4proto(&rule, IPPROTO_TCP);
	match_port_in(&rule, SET_RESERVED);
	do_reject_tcp(&rule);
	nft_batch_add_rule(batch, &rule, "a port of ours, but no copy behind it: refuse");
	/* meta l4proto udp meta l4proto . th dport @reserved reject */
	rule = nft_rule_start(batch, "unmapped");
	match_l4proto(&rule, IPPROTO_UDP);
	match_port_in(&rule, SET_RESERVED);
	do_reject(&rule);
	nft_batch_add_rule(batch, &rule, "a port of ours, but no copy behind it: refuse");
}

int nat_build(struct nft_batch *batch, const struct nat_config *config, uint32_t sequence)
{
	nft_batch_start(batch, config->table, sequence);
	nft_batch_add_table(batch, config->comment);
	nat_build_ports(batch, config);
	nat_build_dnat(batch);
	nat_build_snat(batch, config);
	nat_build_guards(batch, config);
	return nft_batch_finish(batch);
}

static int nat_commit(struct nat *nat, struct nft_batch *batch, int err)
{
	if (!err)
		err = netlink_transact(&nat->nl, batch->data, batch->length, batch->last);
	nft_batch_free(batch);
	return err;
}

int nat_install(struct nat *nat, const struct nat_config *config)
{
	const int size = NAT_SEND_BUFFER;
	struct nft_batch batch;
	int err;

	nat->table = config->table;
	err = netlink_open(&nat->nl, NETLINK_NETFILTER);
	if (err)
		return err;
	if (setsockopt(netlink_fd(&nat->nl), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		err = -errno;
	if (!err)
		err = nat_commit(nat, &batch, nat_build(&batch, config, nat->nl.sequence));
	if (!err)
		return 0;
	if (err != -EEXIST)
		netlink_report(&nat->nl, err, "nftables: cannot make the table inet %s",
			       config->table);
	netlink_close(&nat->nl); /* of this name there may be a table that is not ours */
	return err;
}

int nat_unpublish(struct nat *nat, const struct nat_port *port)
{
	struct nft_batch batch;
	int err;

	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	nft_batch_delete_port(&batch, MAP_PUBLISHED, port->protocol, port->port);
	err = nat_commit(nat, &batch, nft_batch_finish(&batch));
	if (err)
		netlink_report(&nat->nl, err,
			       "nftables: cannot take port %u out of the table inet %s", port->port,
			       nat->table);
	return err;
}

bool nat_table_exists(const char *table)
{
	char buf[NETLINK_REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK, 0);
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_NETFILTER);

	if (err)
		return false;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	err = netlink_talk(&nl, nlh, NULL, NULL);
	netlink_close(&nl);
	return err == 0;
}

/*
 * Closing the socket would do, as it does when we are killed. But then the kernel waits for a grace
 * period of RCU in close() (nft_rcv_nl_event()), 20 ms; after a transaction it waits behind our
 * back.
 */
void nat_remove(struct nat *nat)
{
	struct nft_batch batch;

	if (!nat->nl.socket)
		return;
	nft_batch_start(&batch, nat->table, nat->nl.sequence);
	nft_batch_delete_table(&batch);
	nat_commit(nat, &batch, nft_batch_finish(&batch));
	netlink_close(&nat->nl);
}
