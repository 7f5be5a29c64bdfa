// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attachment.c - one copy's addresses and link.
 */
#include "run/attachment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/sysctl.h"
#include "net/neighbour.h"

enum { ATTACHMENT_OVERDUE_MS = 3000 }; /* the kernel needs 100 ms to delete the link by itself */

/* ---- Addresses ---- */

int attachment_prepare(struct network *network)
{
	/*
	 * The second half is bridge_callers(). Its last address, all ones, is the network's
	 * broadcast address.
	 */
	network->host_count = (1U << (31 - network->bridge.subnet.prefix)) - 1;
	network->last_host = BRIDGE_FIRST_HOST - 1;
	network->hosts = calloc(network->host_count / 8 + 1, 1);
	return network->hosts ? 0
			      : error_report(-ENOMEM, "cannot keep track of %u addresses",
					     network->host_count);
}

static bool attachment_is_taken(const struct network *network, unsigned int host)
{
	return network->hosts[host / 8] & 1U << host % 8;
}

static int attachment_take_host(struct attachment *attachment, struct network *network)
{
	unsigned int host = network->last_host;

	for (unsigned int i = BRIDGE_FIRST_HOST; i < network->host_count; i++) {
		host = host + 1 < network->host_count ? host + 1 : BRIDGE_FIRST_HOST;
		if (attachment_is_taken(network, host))
			continue;
		network->hosts[host / 8] |= (uint8_t)(1U << host % 8);
		network->last_host = host;
		attachment->host = host;
		return 0;
	}
	return error_say(-EADDRNOTAVAIL, "all %u addresses of the private network are in use",
			 network->host_count - BRIDGE_FIRST_HOST);
}

static struct address attachment_address(const struct address *subnet, unsigned int host)
{
	struct address address = {0};

	if (subnet->family == AF_UNSPEC)
		return address;
	address = address_nth(subnet, host);
	address.prefix = (uint8_t)(8 * address_length(&address));
	return address;
}

struct container_way attachment_way(const struct attachment *attachment, sa_family_t family)
{
	const struct bridge *bridge = &attachment->network->bridge;
	bool is_ipv6 = family == AF_INET6;
	const struct address *subnet = is_ipv6 ? &bridge->subnet6 : &bridge->subnet;

	return (struct container_way){
		.address = is_ipv6 ? attachment->address6 : attachment->address,
		.gateway = attachment_address(subnet, BRIDGE_GATEWAY),
		.localhost = attachment_address(subnet, BRIDGE_LOCAL_SOURCE),
	};
}

/* The run's MAC address with another first octet, and with the number of the address mixed in. */
static struct mac attachment_mac(const struct mac *run, unsigned int host)
{
	struct mac mac = *run;

	mac.octet[0] ^= 0x04;
	mac.octet[3] ^= (uint8_t)(host >> 16);
	mac.octet[4] ^= (uint8_t)(host >> 8);
	mac.octet[5] ^= (uint8_t)host;
	return mac;
}

static void attachment_on_overdue(void *data)
{
	struct attachment *attachment = data;
	struct netlink *route = &attachment->network->route;
	int err = link_delete(route, attachment->link);

	if (!err) { /* it is gone now; perhaps it was before, and the news of that was lost */
		attachment_on_gone(attachment);
		return;
	}
	netlink_report(route, err, "cannot delete the link of a copy that has ended");
	loop_set_timer(attachment->network->loop, &attachment->overdue, ATTACHMENT_OVERDUE_MS);
}

int attachment_open(struct attachment *attachment, struct network *network,
		    void (*on_gone)(void *data), void *data)
{
	int err;

	*attachment = (struct attachment){
		.on_gone = on_gone,
		.data = data,
		.overdue = {.on_time = attachment_on_overdue, .data = attachment},
	};
	err = attachment_take_host(attachment, network);
	if (err)
		return err;
	attachment->network = network;
	attachment->address = attachment_address(&network->bridge.subnet, attachment->host);
	attachment->address6 = attachment_address(&network->bridge.subnet6, attachment->host);
	attachment->mac = attachment_mac(&network->bridge.mac, attachment->host);
	nat_admit(&network->nat,
		  &(struct nat_sender){attachment->mac, attachment->address, attachment->address6});
	return 0;
}

/* ---- The link ---- */

static struct attachment **attachment_bucket(const struct network *network, unsigned int link)
{
	return (struct attachment **)&network->attachments[link % NETWORK_BUCKETS];
}

struct attachment *attachment_find(const struct network *network, unsigned int link)
{
	struct attachment *found = *attachment_bucket(network, link);

	while (found && found->link != link)
		found = found->next;
	return found;
}

static void attachment_enter(struct attachment *attachment, unsigned int link)
{
	struct attachment **bucket = attachment_bucket(attachment->network, link);

	attachment->link = link;
	attachment->next = *bucket;
	*bucket = attachment;
}

static void attachment_strike(struct attachment *attachment)
{
	struct attachment **at = attachment_bucket(attachment->network, attachment->link);

	while (*at && *at != attachment)
		at = &(*at)->next;
	if (*at)
		*at = attachment->next;
	attachment->link = 0;
}

static int attachment_set_up_port(struct attachment *attachment, const char *name)
{
	const struct network *network = attachment->network;
	struct netlink *route = &attachment->network->route;
	int err = sysctl_write_link("ipv6", name, "disable_ipv6", "1");

	if (err)
		return err;
	err = neighbour_add_port(route, attachment->link, &attachment->mac);
	if (err)
		return err;
	return link_set_up_port(route, attachment->link,
				network->bridge.is_filtered ? LINK_PORT_HAIRPIN
							    : LINK_PORT_ISOLATED);
}

static int attachment_add_neighbours(const struct attachment *attachment)
{
	struct network *network = attachment->network;
	int err = neighbour_add(&network->route, network->bridge.index, &attachment->address,
				&attachment->mac);

	if (err || attachment->address6.family == AF_UNSPEC)
		return err;
	return neighbour_add(&network->route, network->bridge.index, &attachment->address6,
			     &attachment->mac);
}

int attachment_connect(struct attachment *attachment, unsigned int number, pid_t pid)
{
	struct network *network = attachment->network;
	char name[IFNAMSIZ];
	const struct veth_spec spec = {
		.name = name,
		.mac = network->bridge.mac,
		.bridge = network->bridge.index,
		.peer_name = ATTACHMENT_INSIDE,
		.peer_mac = attachment->mac,
		.mtu = bridge_link_mtu(&network->bridge),
		.peer_pid = pid,
	};
	unsigned int link;
	int err;

	snprintf(name, sizeof(name), "%.9s-%u", network->bridge.name, number);
	err = link_create_veth(&network->route, &spec);
	if (err == -ESRCH)
		return err;
	if (err)
		return netlink_report(&network->route, err, "copy %u: cannot make its link %s",
				      number, name);
	err = link_find(&network->route, name, &link);
	if (err)
		return netlink_report(&network->route, err, "copy %u: cannot find its link %s",
				      number, name);
	attachment_enter(attachment, link);
	err = attachment_set_up_port(attachment, name);
	if (!err)
		err = attachment_add_neighbours(attachment);
	return err ? netlink_report(&network->route, err, "copy %u: cannot set up its link %s",
				    number, name)
		   : 0;
}

bool attachment_is_forwarding(struct attachment *attachment)
{
	struct network *network = attachment->network;

	if (attachment->is_forwarding || !attachment->link)
		return attachment->is_forwarding;
	attachment->is_forwarding = link_is_forwarding(&network->route, attachment->link) == 1 &&
				    link_is_active(&network->route, network->bridge.index) == 1;
	return attachment->is_forwarding;
}

/* ---- The end ---- */

void attachment_close(struct attachment *attachment)
{
	struct network *network = attachment->network;

	if (!network)
		return;
	loop_clear_timer(network->loop, &attachment->overdue);
	if (attachment->link)
		attachment_strike(attachment);
	if (!network->is_closing) /* the table is there */
		nat_dismiss(&network->nat,
			    &(struct nat_sender){attachment->mac, attachment->address,
						 attachment->address6});
	if (network->hosts)
		network->hosts[attachment->host / 8] &= (uint8_t) ~(1U << attachment->host % 8);
	attachment->network = NULL;
}

/* Permanent entries do not expire: they would stay as long as the bridge. */
static void attachment_delete_neighbours(const struct attachment *attachment)
{
	struct network *network = attachment->network;

	neighbour_delete(&network->route, network->bridge.index, &attachment->address);
	if (attachment->address6.family != AF_UNSPEC)
		neighbour_delete(&network->route, network->bridge.index, &attachment->address6);
}

void attachment_leave(struct attachment *attachment)
{
	attachment->is_leaving = true;
	attachment_delete_neighbours(attachment);
	if (attachment->link) {
		loop_set_timer(attachment->network->loop, &attachment->overdue,
			       ATTACHMENT_OVERDUE_MS);
		return;
	}
	attachment_close(attachment);
	attachment->on_gone(attachment->data);
}

void attachment_on_gone(struct attachment *attachment)
{
	if (attachment->is_leaving)
		attachment_close(attachment);
	else
		attachment_strike(attachment);
	attachment->on_gone(attachment->data);
}

void attachment_look_for_links(struct network *network)
{
	for (size_t i = 0; i < NETWORK_BUCKETS; i++) {
		struct attachment *next;

		for (struct attachment *at = network->attachments[i]; at; at = next) {
			next = at->next;
			if (link_check(&network->route, at->link) == -ENODEV)
				attachment_on_gone(at);
		}
	}
}
