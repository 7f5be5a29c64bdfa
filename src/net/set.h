/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set.h - puts sets, maps and what is in them into an nftables transaction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/batch.h"
#include "net/mac.h"
#include "net/port.h"

/** What the keys of a set or map are made of. */
enum nft_key {
	NFT_KEY_PORT,     /* `type inet_proto . inet_service` */
	NFT_KEY_PORT4,    /* `type inet_proto . ipv4_addr . inet_service` */
	NFT_KEY_PORT6,    /* `type inet_proto . ipv6_addr . inet_service` */
	NFT_KEY_SENDER,   /* `type ether_addr . ipv4_addr` */
	NFT_KEY_SENDER6,  /* `type ether_addr . ipv6_addr` */
	NFT_KEY_LINK,     /* `nf_proto . iface_index` */
	NFT_KEY_ADDRESS4, /* `type ipv4_addr` */
	NFT_KEY_NUMBER,   /* `type mark`: nft has no other type for a number by itself */
};

/** nft_batch_add_set() - create a set, or a verdict map (`: verdict`) if @is_map. */
void nft_batch_add_set(struct nft_batch *batch, const char *name, const char *comment,
		       enum nft_key key, bool is_map);

/**
 * nft_batch_add_bucket_map() - create a verdict map from numbers (buckets.h)
 * @size: it has no more elements than that
 */
void nft_batch_add_bucket_map(struct nft_batch *batch, const char *name, const char *comment,
			      uint32_t size);

/** nft_batch_flush_set() - delete all elements of a set or map. */
void nft_batch_flush_set(struct nft_batch *batch, const char *name);

/** nft_batch_delete_set() - delete a set or map that no rule refers to. */
void nft_batch_delete_set(struct nft_batch *batch, const char *name);

/**
 * nft_batch_add_port() - add an element to a set or map of ports
 * @port:    with an address if the set's keys have one: NFT_KEY_PORT4, NFT_KEY_PORT6
 * @chain:   where a map's element sends a packet (goto); NULL in a set
 * @comment: may be NULL
 */
void nft_batch_add_port(struct nft_batch *batch, const char *set, const struct nat_port *port,
			const char *chain, const char *comment);

/** nft_batch_delete_port() - remove an element from such a set or map. */
void nft_batch_delete_port(struct nft_batch *batch, const char *set, const struct nat_port *port);

/** nft_batch_add_link() - add an element to a set of links. @nfproto: NFPROTO_IPV4 or _IPV6. */
void nft_batch_add_link(struct nft_batch *batch, const char *set, uint8_t nfproto,
			unsigned int ifindex);

/** nft_batch_delete_link() - remove an element from such a set. */
void nft_batch_delete_link(struct nft_batch *batch, const char *set, uint8_t nfproto,
			   unsigned int ifindex);

/** nft_batch_put_address4() - add an element to a set of IPv4 addresses, or take it out. */
void nft_batch_put_address4(struct nft_batch *batch, const char *set, const struct address *address,
			    const char *comment, bool is_in);

/**
 * nft_batch_put_sender() - add an element to a set of senders, or take it out if not @is_in
 * @address: of the set's family
 */
void nft_batch_put_sender(struct nft_batch *batch, const char *set, const struct mac *mac,
			  const struct address *address, bool is_in);
