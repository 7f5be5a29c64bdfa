// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ruleset.c - what the table contains, rule by rule. The comments show each rule in nft's own
 * syntax.
 *
 * The first packet of a connection to a host port is looked up in the verdict map `published`. All
 * later packets follow the connection's conntrack entry. The chain `guard` checks every packet
 * before conntrack, so that a forged packet never gets an entry. The chain `forward` checks every
 * packet that is forwarded.
 *
 * In the names and comments of the table, what is behind the bridge is called a copy, because a
 * user who reads `nft list ruleset` knows it by that name.
 */
#include "net/ruleset.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "net/guard.h"
#include "net/refusal.h"
#include "net/set.h"

static const struct address LOOPBACK4 = {.family = AF_INET, .prefix = 8, .bytes = {127}};
static const struct address LOOPBACK6 = {.family = AF_INET6, .prefix = 128, .bytes = {[15] = 1}};
static const struct address LINK_LOCAL6 = {.family = AF_INET6, .prefix = 10, .bytes = {0xfe, 0x80}};
static const struct address MULTICAST6 = {.family = AF_INET6, .prefix = 8, .bytes = {0xff}};

static bool has(const struct nat_network *network)
{
	return network->subnet.family != AF_UNSPEC;
}

static void ruleset_add_dnat(struct nft_batch *batch, const struct nat_backend *backend,
			     const struct address *to)
{
	struct nft_rule rule = nft_rule_start(batch, backend->chain);

	/* meta nfproto ipv4 counter dnat ip to 10.90.0.3:8080 */
	match_nfproto(&rule, to->family);
	do_counter(&rule);
	do_dnat(&rule, to, backend->port);
	nft_batch_add_rule(batch, &rule, backend->comment);
}

void ruleset_add_backend_ipv6(struct nft_batch *batch, const struct nat_backend *backend)
{
	ruleset_add_dnat(batch, backend, &backend->to6);
}

void ruleset_add_backend(struct nft_batch *batch, const struct nat_backend *backend)
{
	nft_batch_add_chain(batch, backend->chain, NULL);
	if (backend->to.family != AF_UNSPEC)
		ruleset_add_dnat(batch, backend, &backend->to);
	if (backend->to6.family != AF_UNSPEC)
		ruleset_add_dnat(batch, backend, &backend->to6);
}

static void ruleset_add_sets(struct nft_batch *batch, const struct nat_config *config)
{
	nft_batch_add_set(batch, RULESET_PUBLISHED, "host port -> chain of the copy", NFT_KEY_PORT,
			  true);
	nft_batch_add_set(batch, RULESET_RESERVED, "host ports that lead nowhere else",
			  NFT_KEY_PORT, false);
	nft_batch_add_set(batch, RULESET_SENDERS, "the copies, each by its own address",
			  NFT_KEY_SENDER, false);
	if (has(&config->ipv6))
		nft_batch_add_set(batch, RULESET_SENDERS6, "the copies, each by its own addresses",
				  NFT_KEY_SENDER6, false);
	guard_add_set(batch);
}

void ruleset_put_sender(struct nft_batch *batch, const struct nat_sender *sender, bool is_in)
{
	const struct mac *mac = &sender->mac;
	const struct address link_local = mac_link_local(mac);

	nft_batch_put_sender(batch, RULESET_SENDERS, mac, &sender->address, is_in);
	if (sender->address6.family == AF_UNSPEC)
		return;
	nft_batch_put_sender(batch, RULESET_SENDERS6, mac, &sender->address6, is_in);
	nft_batch_put_sender(batch, RULESET_SENDERS6, mac, &link_local, is_in);
}

/*
 * What calls a link-local address of this host cannot be answered from another link, as a copy
 * would: it would hang. It is led to port 0, at which nobody can listen, so that the host itself
 * refuses. Chain unmapped could not: the kernel routes its TCP reset without regard to the link,
 * and an ICMP error does not reach a client on this machine that is still in connect(2).
 */
static void ruleset_refuse_link_local(struct nft_batch *batch, const char *chain)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	/* ip6 daddr fe80::/10 fib daddr type local meta l4proto . th dport @reserved dnat ip6 to :0
	 */
	match_daddr(&rule, &LINK_LOCAL6, true);
	match_daddr_local(&rule, true);
	match_port_in(&rule, RULESET_RESERVED);
	do_dnat_port(&rule, AF_INET6, 0);
	nft_batch_add_rule(batch, &rule, "link-local: no way to a copy; nobody listens at port 0");
}

static void ruleset_add_from_host(struct nft_batch *batch, const struct nat_config *config)
{
	struct nft_rule rule;

	nft_batch_add_base_chain(batch, "from-host", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
	if (!config->maps_loopback6) {
		/* ip6 daddr ::1 return */
		rule = nft_rule_start(batch, "from-host");
		match_daddr(&rule, &LOOPBACK6, true);
		do_return(&rule);
		nft_batch_add_rule(batch, &rule, "[::1]: its answers would not come through here");
	}
	if (has(&config->ipv6))
		ruleset_refuse_link_local(batch, "from-host");
	/* fib daddr type local meta l4proto . th dport vmap @published */
	rule = nft_rule_start(batch, "from-host");
	match_daddr_local(&rule, true);
	do_port_vmap(&rule, RULESET_PUBLISHED);
	nft_batch_add_rule(batch, &rule, "this host's own connections, to any of its addresses");
}

static void ruleset_add_from_elsewhere(struct nft_batch *batch, const struct nat_config *config)
{
	struct nft_rule rule;

	nft_batch_add_base_chain(batch, "from-elsewhere", "nat", NF_INET_PRE_ROUTING,
				 NF_IP_PRI_NAT_DST);
	if (has(&config->ipv6))
		ruleset_refuse_link_local(batch, "from-elsewhere");
	if (!config->forwards_ipv6) {
		/*
		 * meta nfproto ipv6 return
		 * If the connection was translated, its packets would be dropped without an answer.
		 */
		rule = nft_rule_start(batch, "from-elsewhere");
		match_nfproto(&rule, AF_INET6);
		do_return(&rule);
		nft_batch_add_rule(batch, &rule,
				   "this kernel forwards no IPv6 link by link: refuse");
	}
	/* fib daddr type local meta l4proto . th dport vmap @published */
	rule = nft_rule_start(batch, "from-elsewhere");
	match_daddr_local(&rule, true);
	do_port_vmap(&rule, RULESET_PUBLISHED);
	nft_batch_add_rule(batch, &rule, "the LAN, and the copies by this host's addresses");
}

static void ruleset_add_source(struct nft_batch *batch, const struct nat_config *config,
			       const struct nat_network *network, const struct address *loopback)
{
	struct nft_rule rule;

	/*
	 * oifname "uva0" ip saddr 127.0.0.0/8 snat ip to 10.90.0.2
	 * This address is used for nothing else. The address by which this host talks to the copies
	 * anyway will not do: both kinds of connections would compete for the same source ports.
	 */
	rule = nft_rule_start(batch, "source");
	match_oifname(&rule, config->bridge, true);
	match_saddr(&rule, loopback, true);
	do_snat(&rule, &network->local_source);
	nft_batch_add_rule(batch, &rule, "localhost: no answer finds back to a loopback address");
	/*
	 * oifname "uva0" ip saddr 10.90.0.0/24 ct status dnat snat ip prefix to 10.90.0.128/25
	 * To each its own: with one address for all, they would compete for the same source ports,
	 * which a server refuses for a minute to a client with another TCP clock than the last one
	 * (tcp_timewait_state_process()).
	 */
	rule = nft_rule_start(batch, "source");
	match_oifname(&rule, config->bridge, true);
	match_saddr(&rule, &network->subnet, true);
	match_ct_dnat(&rule);
	do_snat_prefix(&rule, &network->callers);
	nft_batch_add_rule(batch, &rule,
			   "hairpin: the answer to a copy must come back by this host");
	/* oifname != "uva0" ip saddr 10.90.0.0/24 masquerade */
	rule = nft_rule_start(batch, "source");
	match_oifname(&rule, config->bridge, false);
	match_saddr(&rule, &network->subnet, true);
	do_masquerade(&rule);
	nft_batch_add_rule(batch, &rule, "outbound: as if this host itself had called");
}

static void ruleset_add_sources(struct nft_batch *batch, const struct nat_config *config)
{
	nft_batch_add_base_chain(batch, "source", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
	ruleset_add_source(batch, config, &config->ipv4, &LOOPBACK4);
	if (has(&config->ipv6))
		ruleset_add_source(batch, config, &config->ipv6, &LOOPBACK6);
}

static void ruleset_drop_daddr(struct nft_batch *batch, const char *chain,
			       const struct address *network, const char *comment)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	match_daddr(&rule, network, true);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, comment);
}

/*
 * Refuses packets from copies that are not for this host, if they are for @network, or if not
 * @is_for it.
 *
 * To ask for the type of an address is a lookup of a route. Answers to localhost and to copies,
 * which are most of what comes to this host from copies, are spared it.
 */
static void ruleset_refuse_passing(struct nft_batch *batch, const char *chain,
				   struct address local_source, const struct address *network,
				   bool is_for, const char *comment)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	/* ip daddr != 10.90.0.2 ip daddr 10.90.0.0/25 fib daddr type != local reject */
	local_source.prefix = (uint8_t)(8 * address_length(&local_source));
	match_daddr(&rule, &local_source, false);
	match_daddr(&rule, network, is_for);
	match_daddr_local(&rule, false);
	do_reject(&rule);
	nft_batch_add_rule(batch, &rule, comment);
}

/*
 * Refuses packets from copy to copy before they are routed. Routing would send such a packet out by
 * the link it came in by, and the kernel would tell the sender of a shorter way (ICMP redirect),
 * which must not happen.
 */
static void ruleset_refuse_neighbours(struct nft_batch *batch, const char *chain,
				      const struct nat_network *network)
{
	const struct address copies = address_half(&network->subnet, false);

	ruleset_refuse_passing(batch, chain, network->local_source, &copies, true,
			       "not from copy to copy");
}

/*
 * By an address that is its sender's own, told by its MAC address: to have another one, as to send
 * what it has made up, takes a capability. The link that it came by cannot be asked: in this hook
 * that is the bridge already.
 */
static void ruleset_drop_forged(struct nft_batch *batch, const char *chain, sa_family_t family,
				const char *senders)
{
	struct nft_rule rule = nft_rule_start(batch, chain);

	/* ether saddr . ip saddr != @senders drop */
	match_sender_not_in(&rule, family, senders);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "a copy speaks for itself only");
}

static void ruleset_add_from_copy6(struct nft_batch *batch, const struct nat_config *config)
{
	static const char chain[] = "from-copy6";

	nft_batch_add_chain(batch, chain, NULL);
	ruleset_drop_forged(batch, chain, AF_INET6, RULESET_SENDERS6);
	ruleset_drop_daddr(batch, chain, &LOOPBACK6, "::1 is for this host alone");
	if (config->forwards_ipv6)
		ruleset_refuse_neighbours(batch, chain, &config->ipv6);
	else
		ruleset_refuse_passing(batch, chain, config->ipv6.local_source, &MULTICAST6, false,
				       "this kernel forwards no IPv6 link by link: refuse");
}

/* From a copy: only by its own addresses, and not to this host's loopback addresses. */
static void ruleset_add_from_copy(struct nft_batch *batch, const struct nat_config *config)
{
	static const char chain[] = "from-copy";
	struct nft_rule rule;

	nft_batch_add_chain(batch, chain, NULL);
	if (has(&config->ipv6)) {
		ruleset_add_from_copy6(batch, config);
		/* meta nfproto ipv6 goto from-copy6 */
		rule = nft_rule_start(batch, chain);
		match_nfproto(&rule, AF_INET6);
		do_goto(&rule, "from-copy6");
		nft_batch_add_rule(batch, &rule, NULL);
	}
	ruleset_drop_forged(batch, chain, AF_INET, RULESET_SENDERS);
	ruleset_drop_daddr(batch, chain, &LOOPBACK4, "127.0.0.0/8 is for this host alone");
	ruleset_refuse_neighbours(batch, chain, &config->ipv4);
}

/* For packets from elsewhere, the private network does not exist. */
static void ruleset_hide_network(struct nft_batch *batch, const struct address *subnet)
{
	struct nft_rule rule;

	ruleset_drop_daddr(batch, "guard", subnet, "the copies' own addresses: not from outside");
	rule = nft_rule_start(batch, "guard");
	match_saddr(&rule, subnet, true);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "nobody outside is a copy");
}

static void ruleset_add_guard(struct nft_batch *batch, const struct nat_config *config)
{
	struct nft_rule rule;

	ruleset_add_from_copy(batch, config);
	nft_batch_add_base_chain(batch, "guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW);
	/* iifname "uva0" goto from-copy */
	rule = nft_rule_start(batch, "guard");
	match_iifname(&rule, config->bridge, true);
	do_goto(&rule, "from-copy");
	nft_batch_add_rule(batch, &rule, NULL);
	/* iifname "lo" accept */
	rule = nft_rule_start(batch, "guard");
	match_iifname(&rule, "lo", true);
	do_accept(&rule);
	nft_batch_add_rule(batch, &rule, NULL);
	/*
	 * ip daddr 127.0.0.0/8 meta l4proto . th dport @reserved drop
	 * Without this rule, such packets would pass where route_localnet is on.
	 */
	rule = nft_rule_start(batch, "guard");
	match_daddr(&rule, &LOOPBACK4, true);
	match_port_in(&rule, RULESET_RESERVED);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "127.0.0.0/8 is for this host alone (CVE-2020-8558)");
	ruleset_hide_network(batch, &config->ipv4.subnet);
	if (has(&config->ipv6))
		ruleset_hide_network(batch, &config->ipv6.subnet);
}

static void ruleset_add_to_copy(struct nft_batch *batch)
{
	struct nft_rule rule;

	nft_batch_add_chain(batch, "to-copy", NULL);
	/* ct state established,related accept */
	rule = nft_rule_start(batch, "to-copy");
	match_ct_established(&rule);
	do_accept(&rule);
	nft_batch_add_rule(batch, &rule, NULL);
	/* ct status dnat accept */
	rule = nft_rule_start(batch, "to-copy");
	match_ct_dnat(&rule);
	do_accept(&rule);
	nft_batch_add_rule(batch, &rule, "by a published host port");
	/* reject */
	rule = nft_rule_start(batch, "to-copy");
	do_reject(&rule);
	nft_batch_add_rule(batch, &rule, "not past the host ports, not from copy to copy");
}

static void ruleset_add_forward(struct nft_batch *batch, const struct nat_config *config)
{
	struct nft_rule rule;

	ruleset_add_to_copy(batch);
	nft_batch_add_base_chain(batch, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);
	/* oifname "uva0" goto to-copy */
	rule = nft_rule_start(batch, "forward");
	match_oifname(&rule, config->bridge, true);
	do_goto(&rule, "to-copy");
	nft_batch_add_rule(batch, &rule, NULL);
	/*
	 * iifname "uva0" ct state invalid,untracked drop
	 * The kernel translates only what has a connection: all else would show its own source.
	 */
	rule = nft_rule_start(batch, "forward");
	match_iifname(&rule, config->bridge, true);
	match_ct_none(&rule);
	do_drop(&rule);
	nft_batch_add_rule(batch, &rule, "of no connection: would leave by a copy's own address");
	guard_add_rule(batch, "forward");
}

void ruleset_add_all(struct nft_batch *batch, const struct nat_config *config)
{
	nft_batch_add_table(batch, config->comment, NFT_TABLE_F_OWNER);
	ruleset_add_sets(batch, config);
	ruleset_add_from_host(batch, config);
	ruleset_add_from_elsewhere(batch, config);
	ruleset_add_sources(batch, config);
	ruleset_add_guard(batch, config);
	ruleset_add_forward(batch, config);
	refusal_add(batch);
}
