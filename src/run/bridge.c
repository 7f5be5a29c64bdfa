// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bridge.c - the bridge, its addresses and its parameters.
 */
#include "run/bridge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/sysctl.h"
#include "net/link_route.h"

enum {
	IPV6_MTU_MIN = 1280,     /* RFC 8200 */
	LOOPBACK6_METRIC = 4096, /* and more: different for each bridge */
	LINK_MTU_LARGE = 65520,  /* the largest multiple of 16 that all links can have */
};

/* A network of unique local addresses (RFC 4193) with the random bits of the run's MAC address. */
struct address bridge_subnet6(const struct mac *mac)
{
	struct address subnet = {.family = AF_INET6, .prefix = 64, .bytes = {0xfd}};

	memcpy(subnet.bytes + 1, mac->octet + 1, sizeof(mac->octet) - 1);
	return subnet;
}

struct address bridge_callers(const struct address *subnet)
{
	return address_half(subnet, true);
}

/* Return: has this parameter this value? No, if there is none; or -errno, reported. */
static int bridge_sysctl_is(const char *path, const char *value)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(path, now);

	if (err == -ENOENT)
		return 0;
	if (err)
		return error_report(err, "cannot read /proc/sys/%s", path);
	return strcmp(now, value) == 0;
}

/*
 * Do bridged packets pass the IP hooks of iptables and nftables as well (br_netfilter)? Return: as
 * bridge_sysctl_is().
 */
static int bridge_calls_any(void)
{
	int calls = bridge_sysctl_is("net/bridge/bridge-nf-call-iptables", "1");

	return calls ? calls : bridge_sysctl_is("net/bridge/bridge-nf-call-ip6tables", "1");
}

/* Return: as bridge_sysctl_is(). */
static int bridge_has_ipv6(const struct bridge *bridge)
{
	char path[64];

	if (bridge->mtu < IPV6_MTU_MIN)
		return 0;
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", bridge->name);
	return bridge_sysctl_is(path, "0");
}

static int bridge_add_addresses(struct netlink *route, struct bridge *bridge,
				const struct address *subnet)
{
	static const uint32_t own[] = {BRIDGE_GATEWAY, BRIDGE_LOCAL_SOURCE};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct address address = address_nth(subnet, own[i]);
		char text[ADDRESS_TEXT_MAX];
		bool preferred = own[i] == BRIDGE_GATEWAY || address.family == AF_INET;
		int err = link_add_address(route, bridge->index, &address, preferred);

		if (err)
			return netlink_report(route, err, "bridge %s: cannot add address %s",
					      bridge->name, address_format_network(&address, text));
	}
	return 0;
}

static int bridge_set_up_ipv4(struct netlink *route, struct bridge *bridge)
{
	/* Answers to 127.0.0.0/8 come in by the bridge: the kernel must accept them there. */
	int err = sysctl_write_link("ipv4", bridge->name, "route_localnet", "1");

	if (err)
		return err;
	/*
	 * This comes before the bridge has an address. Otherwise another run would take the bridge
	 * for an uplink whose forwarding still has to be turned on.
	 */
	err = sysctl_write_link("ipv4", bridge->name, "forwarding", "1");
	return err ? err : bridge_add_addresses(route, bridge, &bridge->subnet);
}

static int bridge_set_up_ipv6(struct netlink *route, struct bridge *bridge)
{
	int err = sysctl_write_link("ipv6", bridge->name, "accept_dad", "0");

	if (err)
		return err;
	err = sysctl_write_link("ipv6", bridge->name, "force_forwarding", "1");
	return err ? err : bridge_add_addresses(route, bridge, &bridge->subnet6);
}

/*
 * With br_netfilter, a copy's packet to a host port is translated while it is still on the bridge.
 * Then the bridge sends it on from port to port, or back by the port it came in by. Isolated ports
 * would not let it pass. So in this case the ports are not isolated, and the table's chain
 * `forward` keeps the copies apart instead: it sees bridged packets if that is turned on for our
 * bridge and both families.
 */
static int bridge_set_up_filtering(struct netlink *route, struct bridge *bridge)
{
	int calls = bridge_calls_any();
	int err;

	if (calls < 0)
		return calls;
	bridge->is_filtered = calls;
	if (!bridge->is_filtered)
		return 0;
	err = link_filter_bridge(route, bridge->index);
	return err ? netlink_report(route, err, "bridge %s: cannot turn on its filtering",
				    bridge->name)
		   : 0;
}

static int bridge_add_callers(struct netlink *route, const struct bridge *bridge,
			      const struct address *subnet)
{
	const struct address callers = bridge_callers(subnet);

	return link_add_local_route(route, bridge->index, &callers, 0);
}

/*
 * An answer that comes in by the bridge may have its destination translated back to ::1. The kernel
 * looks up the route of such a packet by that link only (ip6_route_input_lookup()), so ::1 needs a
 * route there. All other packets use the loopback link's own route, which has a smaller metric (0).
 */
static int bridge_add_loopback6(struct netlink *route, const struct bridge *bridge)
{
	static const struct address loopback = {
		.family = AF_INET6, .prefix = 128, .bytes = {[15] = 1}};

	return link_add_local_route(route, bridge->index, &loopback,
				    LOOPBACK6_METRIC + bridge->index);
}

/* The routes of IPv6 need a link that is up. */
static int bridge_add_routes(struct netlink *route, const struct bridge *bridge)
{
	int err = bridge_add_callers(route, bridge, &bridge->subnet);

	if (!err && bridge->subnet6.family != AF_UNSPEC)
		err = bridge_add_callers(route, bridge, &bridge->subnet6);
	if (!err && bridge->subnet6.family != AF_UNSPEC)
		err = bridge_add_loopback6(route, bridge);
	return err;
}

static int bridge_set_up(struct netlink *route, struct bridge *bridge)
{
	int has_ipv6 = bridge_has_ipv6(bridge);
	int err;

	if (has_ipv6 < 0)
		return has_ipv6;
	if (has_ipv6)
		bridge->subnet6 = bridge_subnet6(&bridge->mac);
	err = bridge_set_up_filtering(route, bridge);
	if (err)
		return err;
	err = bridge_set_up_ipv4(route, bridge);
	if (err)
		return err;
	err = has_ipv6 ? bridge_set_up_ipv6(route, bridge) : 0;
	if (err)
		return err;
	err = link_set_up(route, bridge->index);
	if (!err)
		err = bridge_add_routes(route, bridge);
	return err ? netlink_report(route, err, "cannot set up bridge %s", bridge->name) : 0;
}

unsigned int bridge_link_mtu(const struct bridge *bridge)
{
	return bridge->mtu < LINK_MTU_LARGE ? LINK_MTU_LARGE : bridge->mtu;
}

int bridge_make(struct netlink *route, struct bridge *bridge)
{
	int err = link_create_bridge(route, bridge->name, &bridge->mac, bridge_link_mtu(bridge));

	if (err)
		return netlink_report(route, err, "cannot make bridge %s", bridge->name);
	err = link_find(route, bridge->name, &bridge->index);
	if (err)
		return netlink_report(route, err, "cannot find bridge %s", bridge->name);
	return bridge_set_up(route, bridge);
}

int bridge_forward_again(const struct bridge *bridge, sa_family_t family)
{
	if (family == AF_INET6)
		return sysctl_write_link("ipv6", bridge->name, "force_forwarding", "1");
	return sysctl_write_link("ipv4", bridge->name, "forwarding", "1");
}
