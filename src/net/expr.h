/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expr.h - the expressions of a rule, in the words of nft(8).
 *
 * A rule is built from left to right. Each function adds one statement or match, with all the
 * expressions that it consists of, so that the caller need not know about registers. If an
 * allocation fails, the rule remembers it, and nft_batch_add_rule() makes the batch fail.
 */
#pragma once

#include <libnftnl/rule.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

struct nft_rule {
	struct nftnl_rule *rule;
	bool failed;
};

/** match_iifname() - `iifname NAME`, or `iifname != NAME` if not @is_equal. */
void match_iifname(struct nft_rule *rule, const char *name, bool is_equal);
/** match_oifname() - `oifname NAME`, or `oifname != NAME` if not @is_equal. */
void match_oifname(struct nft_rule *rule, const char *name, bool is_equal);
/** match_nfproto() - `meta nfproto ipv4` or `ipv6`. */
void match_nfproto(struct nft_rule *rule, sa_family_t family);
/** match_l4proto() - `meta l4proto tcp`, or another IPPROTO_*. */
void match_l4proto(struct nft_rule *rule, uint8_t protocol);
/** match_saddr() - `ip saddr NETWORK`, or `ip saddr != NETWORK` if not @is_equal. */
void match_saddr(struct nft_rule *rule, const struct address *network, bool is_equal);
/** match_daddr() - `ip daddr NETWORK`, or `ip daddr != NETWORK` if not @is_equal. */
void match_daddr(struct nft_rule *rule, const struct address *network, bool is_equal);
/** match_daddr_local() - `fib daddr type local`, or `!= local` if not @is_equal. */
void match_daddr_local(struct nft_rule *rule, bool is_equal);
/** match_ct_established() - `ct state established,related`. */
void match_ct_established(struct nft_rule *rule);
/** match_ct_none() - `ct state invalid,untracked`. */
void match_ct_none(struct nft_rule *rule);
/** match_ct_dnat() - `ct status dnat`. */
void match_ct_dnat(struct nft_rule *rule);
/** match_ct_reply() - `ct direction reply`. */
void match_ct_reply(struct nft_rule *rule);
/** match_ct_daddr() - `ct original ip daddr ADDRESS`. */
void match_ct_daddr(struct nft_rule *rule, const struct address *address);
/** match_mark() - `meta mark MARK`. */
void match_mark(struct nft_rule *rule, uint32_t mark);
/** match_link_in() - `meta nfproto . iif @SET`. */
void match_link_in(struct nft_rule *rule, const char *set);
/** match_oifgroup() - `meta oifgroup & MASK == GROUP`, or `!=` where @is_equal is false. */
void match_oifgroup(struct nft_rule *rule, uint32_t mask, uint32_t group, bool is_equal);
/** match_port_in() - `meta l4proto . th dport @SET`. */
void match_port_in(struct nft_rule *rule, const char *set);
/** match_bound_port_in() - `meta l4proto . ip daddr . th dport @SET`; of IPv6: `ip6 daddr`. */
void match_bound_port_in(struct nft_rule *rule, sa_family_t family, const char *set);
/**
 * match_sender_not_in() - `ether saddr . ip saddr != @SET`
 * @family: of the addresses in the set; of IPv6: `ether saddr . ip6 saddr`
 */
void match_sender_not_in(struct nft_rule *rule, sa_family_t family, const char *set);

/** do_port_vmap() - `meta l4proto . th dport vmap @MAP`. */
void do_port_vmap(struct nft_rule *rule, const char *map);
/** do_bound_port_vmap() - `meta l4proto . ip daddr . th dport vmap @MAP`; of IPv6: `ip6 daddr`. */
void do_bound_port_vmap(struct nft_rule *rule, sa_family_t family, const char *map);
/** do_number_vmap() - `numgen inc mod COUNT vmap @MAP`, or `numgen random`. */
void do_number_vmap(struct nft_rule *rule, bool is_random, uint32_t count, const char *map);
/** do_source_vmap() - `jhash ip saddr mod COUNT seed SEED vmap @MAP`; of IPv6: `ip6 saddr`. */
void do_source_vmap(struct nft_rule *rule, sa_family_t family, uint32_t count, uint32_t seed,
		    const char *map);
/** do_counter() - `counter`. */
void do_counter(struct nft_rule *rule);
/** do_dnat() - `dnat ip to ADDRESS:PORT`. */
void do_dnat(struct nft_rule *rule, const struct address *to, uint16_t port);
/** do_dnat_port() - `dnat ip to :PORT` or `dnat ip6 to :PORT`. */
void do_dnat_port(struct nft_rule *rule, sa_family_t family, uint16_t port);
/** do_snat() - `snat ip to ADDRESS`. */
void do_snat(struct nft_rule *rule, const struct address *to);
/** do_snat_prefix() - `snat ip prefix to NETWORK`: the address keeps the bits behind the prefix. */
void do_snat_prefix(struct nft_rule *rule, const struct address *to);
/** do_masquerade() - `masquerade`. */
void do_masquerade(struct nft_rule *rule);
/** do_mark() - `meta mark set MARK`. */
void do_mark(struct nft_rule *rule, uint32_t mark);
/** do_goto() - `goto CHAIN`. */
void do_goto(struct nft_rule *rule, const char *chain);
/** do_return() - `return`. */
void do_return(struct nft_rule *rule);
/** do_accept() - `accept`. */
void do_accept(struct nft_rule *rule);
/** do_drop() - `drop`. */
void do_drop(struct nft_rule *rule);
/** do_reject_tcp() - `reject with tcp reset`. */
void do_reject_tcp(struct nft_rule *rule);
/** do_reject() - `reject` (ICMP or ICMPv6 port unreachable). */
void do_reject(struct nft_rule *rule);
