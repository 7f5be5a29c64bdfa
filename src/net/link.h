/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - links and their addresses, over rtnetlink.
 *
 * A link that we make has the run's random MAC address from the beginning, because the same request
 * creates the link and sets its address. We recognise our links by the MAC address, not by the
 * name.
 *
 * All functions return 0 or -errno, unreported: the caller knows the purpose.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/address.h"
#include "net/mac.h"
#include "net/netlink.h"

/** All links of ours, of whatever run, are in groups whose number has these two bits. */
#define LINK_GROUP_MASK 0xc0000000U
#define LINK_GROUP_OURS 0x40000000U

/**
 * link_create_bridge() - make bridge @name, down; -EEXIST: the name is taken
 * @mtu: bytes
 *
 * The bridge does no multicast snooping (`mcast_snooping 0`). With it, the kernel would go through
 * all ports whenever one of them is set up (br_port_state_selection()).
 */
int link_create_bridge(struct netlink *nl, const char *name, const struct mac *mac,
		       unsigned int mtu);

struct veth_spec {
	const char *name;      /* of the host's end */
	struct mac mac;        /* of the host's end */
	unsigned int bridge;   /* ifindex of the bridge that gets the host's end as a port */
	const char *peer_name; /* of the other end */
	struct mac peer_mac;   /* of the other end */
	unsigned int mtu;      /* of both ends, in bytes */
	pid_t peer_pid;        /* the other end is born in this process's network namespace */
};

/** link_create_veth() - make a veth pair in one request, both ends down. */
int link_create_veth(struct netlink *nl, const struct veth_spec *spec);

/**
 * link_filter_bridge() - let all bridged packets pass the IP hooks, for both families
 *
 * The sysctls bridge-nf-call-iptables and bridge-nf-call-ip6tables then do not matter for this
 * bridge.
 */
int link_filter_bridge(struct netlink *nl, unsigned int ifindex);

/** How a port of a bridge deals with the other ports. */
enum link_port_mode {
	LINK_PORT_ISOLATED, /* it reaches the bridge itself, but no other isolated port */
	LINK_PORT_HAIRPIN,  /* it reaches all ports, also itself */
};

/**
 * link_set_up_port() - `bridge link set dev @ifindex isolated on`, or `hairpin on`; with `flood off
 * mcast_flood off bcast_flood off learning off`; and then `ip link set up`, in one request
 *
 * Nothing is flooded to the port, and nothing is learned from it. So whatever is behind the port
 * needs an entry in the forwarding database (neighbour_add_port()).
 */
int link_set_up_port(struct netlink *nl, unsigned int ifindex, enum link_port_mode mode);

/**
 * link_disable_autoconf6() - `ip link set dev @ifindex addrgenmode none`
 *
 * The link then gets no link-local address when it is set up. If the kernel or the link has no
 * IPv6, there is nothing to do, which is no error.
 */
int link_disable_autoconf6(struct netlink *nl, unsigned int ifindex);

/**
 * link_is_active() - does the link send what it is given?
 *
 * That begins some time after it was set up and has a carrier: the kernel notices the carrier in a
 * work queue (net/core/link_watch.c), and gives the link a queue (dev_activate()). Until then the
 * link has the queue "noop", which drops every packet. A bridge has a carrier when one of its ports
 * has.
 *
 * Return: 1 yes, 0 no, or -errno.
 */
int link_is_active(struct netlink *nl, unsigned int ifindex);

/** link_is_forwarding() - is the port of a bridge active, and does the bridge forward to it?
 * Return: as above. */
int link_is_forwarding(struct netlink *nl, unsigned int ifindex);

/** link_set_up() - `ip link set up`. */
int link_set_up(struct netlink *nl, unsigned int ifindex);

/**
 * link_add_address() - `ip address add`, without duplicate address detection
 * @preferred: false: the kernel does not choose this IPv6 address as a source (`preferred_lft 0`)
 *
 * For IPv4, @preferred does not matter: the kernel chooses the first address of a link.
 */
int link_add_address(struct netlink *nl, unsigned int ifindex, const struct address *address,
		     bool preferred);

/** link_find() - the index of the link with this name. -ENODEV: there is none. */
int link_find(struct netlink *nl, const char *name, unsigned int *ret);

/** link_check() - is there a link with this index? -ENODEV: no. */
int link_check(struct netlink *nl, unsigned int ifindex);

/**
 * link_has_family() - does the link have parameters of this family? IPv6's are gone, for example,
 * while its MTU is too small (1280 bytes, RFC 8200 section 5).
 *
 * Return: 1 yes, 0 no, or -errno; -ENODEV: there is no such link.
 */
int link_has_family(struct netlink *nl, unsigned int ifindex, sa_family_t family);

/** link_delete() - `ip link del dev @ifindex`. None is no error. */
int link_delete(struct netlink *nl, unsigned int ifindex);

/**
 * link_delete_all() - delete every link of this namespace that has @mac. To find none is no error.
 */
int link_delete_all(struct netlink *nl, const struct mac *mac);
