// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * network.c - the bridge and what belongs to it. What each copy has of it: attachment.c.
 */
#include "run/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/rundir.h"
#include "net/route.h"
#include "net/subnet.h"
#include "net/table.h"
#include "net/watch.h"
#include "run/attachment.h"

enum {
	NETWORK_NEWS_MAX = 256,  /* read in one go, before other events get their turn */
	NETWORK_UPDATE_MS = 10,  /* from the first change to a look at all links */
	NETWORK_RETRY_MS = 50,   /* another start has the lock, a link is being renamed */
	NETWORK_SWEEP_MS = 1000, /* see nat_sweep() */
	NETWORK_SPARE = 16,      /* addresses */
};

static void network_format_names(const struct plan *plan, unsigned int index, char bridge[IFNAMSIZ],
				 char table[NFT_TABLE_MAX])
{
	snprintf(bridge, IFNAMSIZ, "%.8s%u", plan->bridge, index);
	if (index == 0)
		snprintf(table, NFT_TABLE_MAX, "%s", plan->table);
	else
		snprintf(table, NFT_TABLE_MAX, "%s_%u", plan->table, index);
}

bool network_names_are_taken(unsigned int index, void *plan)
{
	char bridge[IFNAMSIZ], table[NFT_TABLE_MAX];

	network_format_names(plan, index, bridge, table);
	return if_nametoindex(bridge) != 0 || nft_table_exists(table);
}

static struct nat_network network_for_nat(const struct address *subnet)
{
	struct nat_network network = {.subnet = *subnet};

	if (subnet->family == AF_UNSPEC)
		return network;
	network.local_source = address_nth(subnet, BRIDGE_LOCAL_SOURCE);
	network.callers = bridge_callers(subnet);
	return network;
}

static int network_open_nat(struct network *network)
{
	bool has_ipv6 = network->bridge.subnet6.family != AF_UNSPEC;
	char comment[64];
	const struct nat_config config = {
		.table = network->table,
		.guard = network->guard,
		.comment = comment,
		.bridge = network->bridge.name,
		.ipv4 = network_for_nat(&network->bridge.subnet),
		.ipv6 = network_for_nat(&network->bridge.subnet6),
		/*
		 * With br_netfilter, answers are translated back too early: IPv6 then drops packets
		 * to ::1.
		 */
		.maps_loopback6 = has_ipv6 && !network->bridge.is_filtered,
		.forwards_ipv6 = has_ipv6 && uplinks_can_forward_ipv6(),
	};

	snprintf(comment, sizeof(comment), "host ports of the copies behind %s",
		 network->bridge.name);
	return nat_open(&network->nat, &config);
}

static bool network_server_is_usable(const struct address *server, void *data)
{
	return route_exists(data, server);
}

/* ---- News ---- */

/*
 * Finds out which links are uplinks now. If another start or stop has the lock, or a link is being
 * renamed, tries again later.
 */
static void network_update_uplinks(void *data)
{
	struct network *network = data;
	AUTO_CLOSE int rundir = rundir_try_open();

	if (rundir == -EAGAIN) {
		loop_set_timer(network->loop, &network->update, NETWORK_RETRY_MS);
		return;
	}
	if (rundir < 0)
		return;
	/*
	 * Commit what others have asked for first: if the uplinks' own commit fails, it must not be
	 * lost.
	 */
	network->commit_err = nat_commit(&network->nat);
	if (network->commit_err)
		return;
	if (uplinks_update(&network->uplinks, &network->route, rundir) == -EINPROGRESS)
		loop_set_timer(network->loop, &network->update, NETWORK_RETRY_MS);
	policy_update(&network->policy, &network->route);
}

/* Waits a moment, because many changes come at a time. */
static void network_update_later(struct network *network)
{
	if (!network->update.is_set)
		loop_set_timer(network->loop, &network->update, NETWORK_UPDATE_MS);
}

/*
 * If somebody has made the host a router, the host needs its links at once: the update is due only
 * later. If somebody has turned forwarding off again, it is off for our bridge, too: turn it on
 * there.
 */
static void network_on_forwarding(struct network *network, sa_family_t family)
{
	int is_router;

	if (family != AF_INET && family != AF_INET6)
		return;
	is_router = uplinks_host_forwards(family);
	if (is_router > 0) {
		network->commit_err = nat_commit(&network->nat);
		if (!network->commit_err)
			uplinks_let_go(&network->uplinks, family);
		firewalls_tell_later(&network->firewalls);
	} else if (is_router == 0) {
		bridge_forward_again(&network->bridge, family);
	}
	network_update_later(network);
}

static void network_on_link_gone(struct network *network, unsigned int link)
{
	struct attachment *attachment = attachment_find(network, link);

	if (attachment)
		attachment_on_gone(attachment);
	else if (link == network->bridge.index)
		network->on_bridge_gone(network->data);
}

/* News was lost: find out which of our links are gone. */
static void network_look_for_links(struct network *network)
{
	if (link_check(&network->route, network->bridge.index) == -ENODEV)
		network_on_link_gone(network, network->bridge.index);
	attachment_look_for_links(network);
}

static void network_on_piece(struct network *network, const struct watch_event *event)
{
	switch (event->kind) {
	case WATCH_LINK_GONE:
		network_on_link_gone(network, event->ifindex);
		network_update_later(network);
		break;
	case WATCH_FORWARDING:
		network_on_forwarding(network, event->family);
		break;
	case WATCH_CHANGE:
		network_update_later(network);
		break;
	case WATCH_LOST:
		network_look_for_links(network);
		network_on_forwarding(network, AF_INET);
		network_on_forwarding(network, AF_INET6);
		break;
	}
}

static void network_on_news(void *data, uint32_t events)
{
	struct network *network = data;
	struct watch_event event;

	(void)events;
	for (int i = 0; i < NETWORK_NEWS_MAX && !network->is_closing; i++) {
		if (!watch_next(&network->news, &event))
			break;
		if (network->is_installed || event.kind == WATCH_LINK_GONE)
			network_on_piece(network, &event);
	}
}

static int network_listen(struct network *network)
{
	int err = watch_open(&network->news);

	if (err)
		return err;
	network->news_source = (struct loop_source){
		.fd = netlink_fd(&network->news), .on_event = network_on_news, .data = network};
	err = loop_watch(network->loop, &network->news_source, EPOLLIN);
	return err ? error_report(err, "cannot watch the links of this host") : 0;
}

static void network_on_sweep(void *data)
{
	struct network *network = data;

	network->is_sweep_due = true;
}

void network_sweep_later(struct network *network)
{
	if (!network->sweep.is_set && !network->is_sweep_due)
		loop_set_timer(network->loop, &network->sweep, NETWORK_SWEEP_MS);
}

int network_commit(struct network *network)
{
	int err = network->commit_err ? network->commit_err : nat_commit(&network->nat);

	network->commit_err = 0;
	if (err || !network->is_sweep_due)
		return err;
	network->is_sweep_due = false;
	if (nat_sweep(&network->nat) == -EBUSY)
		network_sweep_later(network);
	return 0;
}

/* ---- The way up, and the way down ---- */

/*
 * Notes what will have to be undone. The log is undone from the last record to the first. So
 * connections are forgotten before the links go: otherwise packets to the copies' addresses would
 * leave by the default route. Connections are forgotten once more after that, because a link that
 * goes down sends some last packets (IGMP, MLD).
 *
 * The guard goes before the links, too. The kernel frees a table's memory a little later, and lets
 * nobody close the socket of an owner before it has (nft_rcv_nl_event()): the guardian's end would
 * wait for that. To delete links takes longer, so this time passes meanwhile.
 */
static int network_note(struct network *network)
{
	const struct record connections = {
		.kind = RECORD_CONNTRACK,
		.networks = {network->bridge.subnet, bridge_subnet6(&network->bridge.mac)},
	};
	struct record guard = {.kind = RECORD_GUARD};
	const struct record links = {.kind = RECORD_LINKS, .mac = network->bridge.mac};
	const struct record *records[] = {&connections, &links, &guard, &connections};

	guard_format_name(&network->bridge.mac, network->guard);
	snprintf(guard.table, sizeof(guard.table), "%s", network->guard);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		int err = log_note(network->log, records[i], NULL);

		if (err)
			return err;
	}
	return 0;
}

static int network_choose(struct network *network)
{
	size_t copies = network->plan->copies;
	int err = mac_random(&network->bridge.mac);

	if (err)
		return error_report(err, "cannot make a random MAC address");
	network->bridge.mtu = uplinks_mtu(&network->route);
	names_read(network_server_is_usable, &network->route, network->resolv_conf);
	network->hosts_file = names_read_hosts();
	/*
	 * Keep room for copies that end while others start: an address is free again only after a
	 * while.
	 */
	err = subnet_choose(&network->route,
			    2 * (BRIDGE_FIRST_HOST + copies + copies / 8 + NETWORK_SPARE),
			    &network->bridge.subnet);
	return err ? err : attachment_prepare(network);
}

int network_open(struct network *network, const struct plan *plan, struct loop *loop,
		 struct log *log, struct guardian *guardian, void (*on_bridge_gone)(void *data),
		 void *data)
{
	int err;

	*network = (struct network){
		.plan = plan,
		.loop = loop,
		.log = log,
		.guardian = guardian,
		.news_source.fd = -1,
		.update = {.on_time = network_update_uplinks, .data = network},
		.sweep = {.on_time = network_on_sweep, .data = network},
		.on_bridge_gone = on_bridge_gone,
		.data = data,
	};
	network_format_names(plan, guardian->index, network->bridge.name, network->table);
	err = netlink_open(&network->route, NETLINK_ROUTE);
	if (err)
		return err;
	err = network_listen(network);
	if (err)
		return err;
	err = network_choose(network);
	if (err)
		return err;
	err = network_note(network);
	if (err)
		return err;
	err = bridge_make(&network->route, &network->bridge);
	return err ? err : network_open_nat(network);
}

int network_install(struct network *network)
{
	int err = nat_commit(&network->nat);

	if (err == -EEXIST)
		return error_say(err, "nftables: somebody has just made a table inet %s",
				 network->table);
	if (err)
		return err;
	err = guardian_hold_table(network->guardian, network->table, netlink_fd(&network->nat.nl));
	if (err)
		return err;
	network->uplinks = (struct uplinks){
		.log = network->log,
		.nat = &network->nat,
		.bridge = network->bridge.index,
		.has_ipv6 =
			network->bridge.subnet6.family != AF_UNSPEC && uplinks_can_forward_ipv6(),
	};
	err = uplinks_update(&network->uplinks, &network->route, network->guardian->start_lock);
	if (err == -EINPROGRESS)
		network_update_later(network);
	else if (err)
		return err;
	network->policy = (struct policy){
		.log = network->log,
		.nat = &network->nat,
		.bridge = network->bridge.name,
		.bridge_index = network->bridge.index,
		.networks = {network->bridge.subnet, bridge_subnet6(&network->bridge.mac)},
	};
	err = policy_update(&network->policy, &network->route);
	if (err)
		return err;
	network->is_installed = true;
	firewalls_open(&network->firewalls, network->loop, &network->nat, network->bridge.name,
		       network->plan->table);
	firewalls_tell(&network->firewalls);
	return 0;
}

void network_close(struct network *network)
{
	if (!network->loop) /* it was never opened */
		return;
	network->is_closing = true;
	loop_clear_timer(network->loop, &network->update);
	loop_clear_timer(network->loop, &network->sweep);
	loop_forget(network->loop, &network->news_source);
	netlink_close(&network->news);
	firewalls_close(&network->firewalls);
	nat_remove(&network->nat);
	netlink_close(&network->route);
	uplinks_close(&network->uplinks);
	policy_close(&network->policy);
	free(network->hosts);
	network->hosts = NULL;
	free(network->hosts_file);
	network->hosts_file = NULL;
}
