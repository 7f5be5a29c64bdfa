// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * set.c - nftables sets and their elements as messages of a batch.
 */
#include "net/set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>

enum {
	/* nft's own numbers for the types of a set (include/datatype.h of nftables) */
	TYPE_NF_PROTO = 2,
	TYPE_IPADDR = 7,
	TYPE_IP6ADDR = 8,
	TYPE_ETHERADDR = 9,
	TYPE_INET_PROTO = 12,
	TYPE_INET_SERVICE = 13,
	TYPE_MARK = 19,
	TYPE_IFACE_INDEX = 20,
	TYPE_CONCAT_BITS = 6,

	BYTEORDER_HOST = 1,
};

/* Keys of two or three parts, each of which fills a multiple of 4 bytes. */
struct port_key {
	uint8_t protocol, protocol_padding[3];
	uint8_t rest[20]; /* the address, of 0, 4 or 16 bytes; the port; padding */
};

struct link_key {
	uint8_t nfproto, nfproto_padding[3];
	uint32_t ifindex; /* host order */
};

struct sender_key {
	struct mac mac;
	uint8_t mac_padding[2];
	uint8_t address[16]; /* of IPv4 the first 4 */
};

static const struct {
	uint32_t types[3], length; /* a third one that is 0 is none */
} KEYS[] = {
	[NFT_KEY_PORT] = {{TYPE_INET_PROTO, TYPE_INET_SERVICE}, sizeof(struct port_key) - 16},
	[NFT_KEY_PORT4] = {{TYPE_INET_PROTO, TYPE_IPADDR, TYPE_INET_SERVICE},
			   sizeof(struct port_key) - 12},
	[NFT_KEY_PORT6] = {{TYPE_INET_PROTO, TYPE_IP6ADDR, TYPE_INET_SERVICE},
			   sizeof(struct port_key)},
	[NFT_KEY_SENDER] = {{TYPE_ETHERADDR, TYPE_IPADDR}, sizeof(struct sender_key) - 12},
	[NFT_KEY_SENDER6] = {{TYPE_ETHERADDR, TYPE_IP6ADDR}, sizeof(struct sender_key)},
	[NFT_KEY_LINK] = {{TYPE_NF_PROTO, TYPE_IFACE_INDEX}, sizeof(struct link_key)},
	[NFT_KEY_ADDRESS4] = {{TYPE_IPADDR}, sizeof(uint32_t)},
	[NFT_KEY_NUMBER] = {{TYPE_MARK}, sizeof(uint32_t)},
};

static uint32_t set_key_type(enum nft_key key)
{
	uint32_t type = 0;

	for (size_t i = 0; i < 3 && KEYS[key].types[i]; i++)
		type = type << TYPE_CONCAT_BITS | KEYS[key].types[i];
	return type;
}

/* @size: 0: any */
static void nft_batch_put_new_set(struct nft_batch *batch, const char *name, const char *comment,
				  enum nft_key key, bool is_map, uint32_t size)
{
	struct nftnl_udata_buf *udata = nft_comment_pack(batch, NFTNL_UDATA_SET_COMMENT, comment);
	struct nlmsghdr *nlh = nft_batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
	struct nftnl_set *set = nftnl_set_alloc();

	if (udata && key == NFT_KEY_NUMBER) /* nft shows numbers otherwise the wrong way round */
		nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_KEYBYTEORDER, BYTEORDER_HOST);
	if (set && nlh && !batch->err) {
		nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
		nftnl_set_set_str(set, NFTNL_SET_NAME, name);
		nftnl_set_set_u32(set, NFTNL_SET_ID, batch->sequence);
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, is_map ? NFT_SET_MAP : 0);
		nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, set_key_type(key));
		nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, KEYS[key].length);
		if (is_map)
			nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
		if (size)
			nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, size);
		nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata),
				   nftnl_udata_buf_len(udata));
		nftnl_set_nlmsg_build_payload(nlh, set);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (set)
		nftnl_set_free(set);
	nft_comment_free(udata);
}

void nft_batch_add_set(struct nft_batch *batch, const char *name, const char *comment,
		       enum nft_key key, bool is_map)
{
	nft_batch_put_new_set(batch, name, comment, key, is_map, 0);
}

void nft_batch_add_bucket_map(struct nft_batch *batch, const char *name, const char *comment,
			      uint32_t size)
{
	nft_batch_put_new_set(batch, name, comment, NFT_KEY_NUMBER, true, size);
}

/* Puts a request about a whole set into the batch. */
static void nft_batch_put_set(struct nft_batch *batch, const char *name, uint16_t type)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nlmsghdr *nlh = set ? nft_batch_message(batch, type, 0) : NULL;

	if (nlh) {
		nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
		nftnl_set_set_str(set, NFTNL_SET_NAME, name);
		nftnl_set_nlmsg_build_payload(nlh, set);
		nft_batch_push(batch, nlh);
	} else if (!batch->err) {
		batch->err = -ENOMEM;
	}
	if (set)
		nftnl_set_free(set);
}

/* A request to delete elements that names none is about all of them; it has no other attributes. */
void nft_batch_flush_set(struct nft_batch *batch, const char *name)
{
	nft_batch_put_set(batch, name, NFT_MSG_DELSETELEM);
}

void nft_batch_delete_set(struct nft_batch *batch, const char *name)
{
	nft_batch_put_set(batch, name, NFT_MSG_DELSET);
}

/* Return: the key's length. */
static uint32_t port_key_fill(struct port_key *key, const struct nat_port *port)
{
	bool is_bound = port->address.family != AF_UNSPEC;
	size_t length = is_bound ? address_length(&port->address) : 0;
	uint16_t number = htons(port->number);

	*key = (struct port_key){.protocol = port->protocol};
	memcpy(key->rest, port->address.bytes, length);
	memcpy(key->rest + length, &number, sizeof(number));
	return (uint32_t)(offsetof(struct port_key, rest) + length + sizeof(uint32_t));
}

static struct nftnl_set_elem *port_elem_new(const struct nat_port *port, const char *chain,
					    const struct nftnl_udata_buf *udata)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
	struct port_key key;
	uint32_t length = port_key_fill(&key, port);

	if (!elem)
		return NULL;
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, &key, length);
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

void nft_batch_add_port(struct nft_batch *batch, const char *set, const struct nat_port *port,
			const char *chain, const char *comment)
{
	struct nftnl_udata_buf *udata =
		nft_comment_pack(batch, NFTNL_UDATA_SET_ELEM_COMMENT, comment);

	nft_batch_put_elem(batch, set, port_elem_new(port, chain, udata), NFT_MSG_NEWSETELEM,
			   NLM_F_CREATE | NLM_F_EXCL);
	nft_comment_free(udata);
}

void nft_batch_delete_port(struct nft_batch *batch, const char *set, const struct nat_port *port)
{
	nft_batch_put_elem(batch, set, port_elem_new(port, NULL, NULL), NFT_MSG_DELSETELEM, 0);
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

void nft_batch_put_address4(struct nft_batch *batch, const char *set, const struct address *address,
			    const char *comment, bool is_in)
{
	struct nftnl_udata_buf *udata =
		nft_comment_pack(batch, NFTNL_UDATA_SET_ELEM_COMMENT, comment);
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (elem)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, address->bytes, sizeof(uint32_t));
	if (elem && udata)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(udata),
				   nftnl_udata_buf_len(udata));
	nft_batch_put_elem(batch, set, elem, is_in ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
			   is_in ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nft_comment_free(udata);
}

static struct nftnl_set_elem *sender_elem_new(const struct mac *mac, const struct address *address)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
	struct sender_key key = {.mac = *mac};
	size_t length = address_length(address);

	memcpy(key.address, address->bytes, length);
	if (elem)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, &key,
				   (uint32_t)(offsetof(struct sender_key, address) + length));
	return elem;
}

void nft_batch_put_sender(struct nft_batch *batch, const char *set, const struct mac *mac,
			  const struct address *address, bool is_in)
{
	nft_batch_put_elem(batch, set, sender_elem_new(mac, address),
			   is_in ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
			   is_in ? NLM_F_CREATE | NLM_F_EXCL : 0);
}
