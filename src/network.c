// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * network.c - the host's side of a run's network: bridge, table, uplinks, and each copy's link.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sysctl.h"
#include "host/record.h"
#include "host/rundir.h"
#include "net/firewall.h"
#include "net/route.h"
#include "net/rule.h"
#include "net/subnet.h"
#include "run.h"

enum { IPV6_MTU_MIN = 1280 }; /* RFC 8200 */

/* A network of unique local addresses (RFC 4193) with the random bits of the run's MAC address. */
static struct address network_subnet6(const struct mac *mac)
{
	struct address subnet = {.family = AF_INET6, .prefix = 64, .bytes = {0xfd}};

	memcpy(subnet.bytes + 1, mac->octet + 1, sizeof(mac->octet) - 1);
	return subnet;
}

static bool network_sysctl_is(const char *path, const char *value)
{
	char now[SYSCTL_VALUE_MAX];

	return sysctl_read(path, now) == 0 && strcmp(now, value) == 0;
}

/* Bridged packets go through iptables' and nftables' IP hooks as well (br_netfilter)? */
static bool network_bridge_calls(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "net/bridge/bridge-nf-call-%s", name);
	return network_sysctl_is(path, "1");
}

static bool network_has_ipv6(const struct run *run)
{
	char path[64];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", run->bridge);
	return run->mtu >= IPV6_MTU_MIN && network_sysctl_is(path, "0");
}

static int network_add_addresses(struct run *run, const struct address *subnet)
{
	static const uint32_t own[] = {SUBNET_GATEWAY, SUBNET_LOCAL_SOURCE};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		struct address address = address_nth(subnet, own[i]);
		char text[ADDRESS_TEXT_MAX];
		bool preferred = own[i] == SUBNET_GATEWAY || address.family == AF_INET;
		int err = link_add_address(&run->route, run->bridge_index, &address, preferred);

		if (err)
			return netlink_report(&run->route, err, "bridge %s: cannot add address %s",
					      run->bridge, address_format_network(&address, text));
	}
	return 0;
}

static int network_setup_ipv4(struct run *run)
{
	/* Answers to 127.0.0.0/8 come back by the bridge: the kernel is to take them there. */
	int err = sysctl_write_link("ipv4", run->bridge, "route_localnet", "1");

	/* Before it has an address: other runs take it for an uplink that is not on yet, else. */
	if (!err)
		err = sysctl_write_link("ipv4", run->bridge, "forwarding", "1");
	return err ? err : network_add_addresses(run, &run->subnet);
}

static int network_setup_ipv6(struct run *run)
{
	int err = sysctl_write_link("ipv6", run->bridge, "accept_dad", "0");

	if (!err)
		err = sysctl_write_link("ipv6", run->bridge, "force_forwarding", "1");
	if (!err)
		err = network_add_addresses(run, &run->subnet6);
	return err;
}

/*
 * With br_netfilter, a copy's packet to a host port is translated while it is still on the bridge,
 * and goes on from port to port, or back to where it came from: isolated ports would not let it.
 * There the ports are not isolated, and the table's chain `forward` keeps the copies apart: it sees
 * what is bridged, once that is turned on for our bridge and both families.
 */
static int network_setup_filtering(struct run *run)
{
	int err;

	run->filters_bridge = network_bridge_calls("iptables") || network_bridge_calls("ip6tables");
	if (!run->filters_bridge)
		return 0;
	err = link_filter_bridge(&run->route, run->bridge_index);
	return err ? netlink_report(&run->route, err, "bridge %s: cannot have it filtered",
				    run->bridge)
		   : 0;
}

static int network_make_bridge(struct run *run)
{
	int err = link_create_bridge(&run->route, run->bridge, &run->mac, run->mtu);

	if (err)
		return netlink_report(&run->route, err, "cannot make bridge %s", run->bridge);
	run->bridge_index = if_nametoindex(run->bridge);
	if (network_has_ipv6(run))
		run->subnet6 = network_subnet6(&run->mac);
	err = network_setup_filtering(run);
	if (!err)
		err = network_setup_ipv4(run);
	if (!err && run->subnet6.family != AF_UNSPEC)
		err = network_setup_ipv6(run);
	if (err)
		return err;
	err = link_set_up(&run->route, run->bridge_index);
	if (!err && run->subnet6.family != AF_UNSPEC)
		err = link_add_loopback6_route(&run->route, run->bridge_index);
	return err ? netlink_report(&run->route, err, "cannot set up bridge %s", run->bridge) : 0;
}

static void network_take_addresses(struct run *run)
{
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		struct member *member = &run->members[i];
		uint32_t host = SUBNET_LOCAL_SOURCE + member->number;

		member->address = address_nth(&run->subnet, host);
		if (run->subnet6.family != AF_UNSPEC)
			member->address6 = address_nth(&run->subnet6, host);
	}
}

static struct nat_network network_for_nat(const struct address *subnet)
{
	struct nat_network network = {.subnet = *subnet};

	if (subnet->family != AF_UNSPEC)
		network.local_source = address_nth(subnet, SUBNET_LOCAL_SOURCE);
	return network;
}

static int network_install_nat(struct run *run)
{
	struct nat_port *ports = calloc(run->plan->copies, sizeof(*ports));
	char comment[64];
	struct nat_config config = {
		.table = run->table,
		.comment = comment,
		.bridge = run->bridge,
		.ipv4 = network_for_nat(&run->subnet),
		.ipv6 = network_for_nat(&run->subnet6),
		/* br_netfilter un-translates too early: IPv6 then drops what is for ::1. */
		.maps_loopback6 = run->subnet6.family != AF_UNSPEC && !run->filters_bridge,
		.forwards_ipv6 = run->subnet6.family != AF_UNSPEC && uplinks_can_forward_ipv6(),
		.ports = ports,
		.count = run->plan->copies,
	};
	int err;

	if (!ports)
		return error_report(-ENOMEM, "cannot list %u ports", run->plan->copies);
	snprintf(comment, sizeof(comment), "host ports of the copies behind %s", run->bridge);
	for (unsigned int i = 0; i < run->plan->copies; i++)
		ports[i] = run_nat_port(run, &run->members[i]);
	err = nat_install(&run->nat, &config);
	free(ports);
	if (err == -EEXIST)
		return error_say(err, "nftables: somebody has just made a table inet %s",
				 run->table);
	return err;
}

/* For uplinks.c, in the middle of a dump: with a socket of its own. */
static int network_guard(void *data, sa_family_t family, const char *link)
{
	const struct run *run = data;
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	err = rule_guard_link(&nl, link, family == AF_INET6 ? &run->subnet6 : &run->subnet,
			      run->guardian.index);
	if (err)
		netlink_report(&nl, err, "cannot add routing rules for %s", link);
	netlink_close(&nl);
	return err;
}

static int network_enable_uplinks(struct run *run, int rundir)
{
	run->uplinks = (struct uplinks){
		.log = run->guardian.log,
		.bridge = run->bridge_index,
		.ipv6 = run->subnet6.family != AF_UNSPEC && uplinks_can_forward_ipv6(),
		.guard = network_guard,
		.data = run,
	};
	return uplinks_enable_all(&run->uplinks, &run->route, rundir);
}

static bool network_server_is_usable(const struct address *server, void *data)
{
	return route_exists(data, server);
}

/* Tells of firewalls that will drop what is ours; that they cannot be read is no reason to stop. */
static void network_tell_firewalls(struct run *run)
{
	struct firewall_chain *chains = NULL;
	size_t count = 0;

	if (firewall_find(&run->nat.nl, run->bridge, RUN_TABLE_PREFIX, &chains, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		char command[FIREWALL_COMMAND_MAX];

		firewall_format_command(&chains[i], run->bridge, command);
		error_say(0,
			  "chain %s %s %s drops what it does not know, and so may lock out %s; "
			  "to let them through: %s",
			  chains[i].family, chains[i].table, chains[i].chain,
			  firewall_whom(&chains[i]), command);
	}
	free(chains);
}

/*
 * Undone from the last to the first: connections are forgotten before the links go, lest what comes
 * for them be sent to the copies' addresses by the default route; and once more afterwards, since a
 * link that goes down has last words of its own (IGMP, MLD).
 */
static int network_note(struct run *run)
{
	const struct address networks[] = {run->subnet, network_subnet6(&run->mac)};
	int err = record_note_conntrack(run->guardian.log, networks);

	if (!err)
		err = record_note_rules(run->guardian.log, run->guardian.index);
	if (!err)
		err = record_note_links(run->guardian.log, &run->mac);
	return err ? err : record_note_conntrack(run->guardian.log, networks);
}

int run_make_network(struct run *run)
{
	int err = netlink_open(&run->route, NETLINK_ROUTE);

	if (!err)
		err = watch_open(&run->watch);
	if (err)
		return err;
	err = mac_random(&run->mac);
	if (err)
		return error_report(err, "cannot make a random MAC address");
	run->mtu = uplinks_mtu(&run->route);
	names_read(network_server_is_usable, &run->route, run->resolv_conf);
	err = subnet_choose(&run->route, SUBNET_LOCAL_SOURCE + run->plan->copies, &run->subnet);
	if (!err)
		err = network_note(run);
	if (!err)
		err = network_make_bridge(run);
	if (err)
		return err;
	network_take_addresses(run);
	err = network_install_nat(run);
	if (!err)
		err = guardian_hold_table(&run->guardian, netlink_fd(&run->nat.nl));
	if (!err)
		err = network_enable_uplinks(run, run->guardian.start_lock);
	if (!err)
		network_tell_firewalls(run);
	return err;
}

int run_make_link(struct run *run, struct member *member)
{
	char name[IFNAMSIZ];
	const struct veth_spec spec = {
		.name = name,
		.mac = run->mac,
		.bridge = run->bridge_index,
		.peer_name = RUN_LINK_INSIDE,
		.mtu = run->mtu,
		.peer_pid = member->copy.pid,
	};
	int err;

	snprintf(name, sizeof(name), "%.8s-%u", run->bridge, member->number);
	err = link_create_veth(&run->route, &spec);
	if (err)
		return netlink_report(&run->route, err, "copy %u: cannot make its link %s",
				      member->number, name);
	member->link_index = if_nametoindex(name);
	err = sysctl_write_link("ipv6", name, "disable_ipv6", "1");
	if (err)
		return err;
	err = link_set_port_mode(&run->route, member->link_index,
				 run->filters_bridge ? LINK_PORT_HAIRPIN : LINK_PORT_ISOLATED);
	if (!err)
		err = link_set_up(&run->route, member->link_index);
	return err ? netlink_report(&run->route, err, "copy %u: cannot set up its link %s",
				    member->number, name)
		   : 0;
}

int run_update_uplinks(struct run *run)
{
	AUTO_CLOSE int rundir = rundir_open();

	return rundir < 0 ? rundir : uplinks_enable_all(&run->uplinks, &run->route, rundir);
}
