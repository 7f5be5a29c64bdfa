// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * floor.c - the least that a start of some copies can be: what the kernel has to do for it.
 *
 * usage: floor COPIES PROGRAM
 *
 * Host port 8081 leads to port 8080 of the first copy, 8082 to the second, and so on.
 *
 * Namespaces, a bridge and links with their addresses, and the table, by the engine's own requests;
 * then PROGRAM is executed. It looks for nothing, asks nobody, undoes nothing if it is killed, and
 * its copies see the whole host. SIGINT ends it. Compiled with the engine's objects by lives.py.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/link_route.h"
#include "net/nat.h"
#include "net/neighbour.h"
#include "net/table.h"
#include "run/bridge.h"

static const char GUARD[] = "floor-guard";

enum {
	NAMESPACES = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC,
	COPIES_MAX = 1000,
	COPY_PORT = 8080,
	PAUSE_US = 200,
};

struct floor {
	struct netlink route;
	struct bridge bridge;
	struct nat nat;
	int copies;
	struct floor_copy {
		pid_t pid;
		unsigned int link;
		char chain[NAT_CHAIN_MAX];
	} copy[COPIES_MAX];
	int go[2];   /* a pipe: closed when the links are there */
	int done[2]; /* a pipe: closed when all have executed the program */
};

static struct nat_network network_of(const struct address *subnet)
{
	if (subnet->family == AF_UNSPEC)
		return (struct nat_network){0};
	return (struct nat_network){*subnet, address_nth(subnet, BRIDGE_LOCAL_SOURCE),
				    bridge_callers(subnet)};
}

/* Return: an address that is alone on its link. */
static struct address address_of(const struct address *subnet, uint32_t host)
{
	struct address address = *subnet;

	if (address.family == AF_UNSPEC)
		return address;
	address = address_nth(subnet, host);
	address.prefix = (uint8_t)(8 * address_length(&address));
	return address;
}

static struct mac mac_of(const struct floor *floor, int copy)
{
	struct mac mac = floor->bridge.mac;

	mac.octet[0] ^= 0x04;
	mac.octet[4] ^= (uint8_t)((copy + 1) >> 8);
	mac.octet[5] ^= (uint8_t)(copy + 1);
	return mac;
}

/* ---- In the copy ---- */

static int add_family(const struct floor *floor, struct netlink *nl, unsigned int link,
		      const struct address *subnet, int copy)
{
	const struct address address = address_of(subnet, BRIDGE_FIRST_HOST + (uint32_t)copy);
	const struct link_route_spec route = {.gateway = address_of(subnet, BRIDGE_GATEWAY),
					      .mtu = floor->bridge.mtu};
	int err;

	if (subnet->family == AF_UNSPEC)
		return 0;
	err = link_add_address(nl, link, &address, true);
	if (!err)
		err = neighbour_add(nl, link, &route.gateway, &floor->bridge.mac);
	return err ? err : link_add_route(nl, link, &route);
}

static int be_copy(const struct floor *floor, int copy, char **argv)
{
	struct netlink nl;
	unsigned int link;
	char go;
	int err;

	close(floor->go[1]);
	if (read(floor->go[0], &go, sizeof(go)) != 0 || netlink_open(&nl, NETLINK_ROUTE) < 0)
		return EXIT_FAILURE;
	link = if_nametoindex("eth0");
	err = link_set_up(&nl, if_nametoindex("lo"));
	if (!err)
		err = link_disable_autoconf6(&nl, link);
	if (!err)
		err = link_set_up(&nl, link);
	if (!err)
		err = add_family(floor, &nl, link, &floor->bridge.subnet, copy);
	if (!err)
		err = add_family(floor, &nl, link, &floor->bridge.subnet6, copy);
	netlink_close(&nl);
	if (!err)
		execv(argv[0], argv);
	return EXIT_FAILURE;
}

/* ---- On the host ---- */

static int connect_copy(struct floor *floor, int copy)
{
	char name[IFNAMSIZ];
	const uint32_t host = BRIDGE_FIRST_HOST + (uint32_t)copy;
	const struct address address = address_of(&floor->bridge.subnet, host);
	const struct address address6 = address_of(&floor->bridge.subnet6, host);
	const struct veth_spec spec = {.name = name,
				       .mac = floor->bridge.mac,
				       .bridge = floor->bridge.index,
				       .peer_name = "eth0",
				       .peer_mac = mac_of(floor, copy),
				       .mtu = bridge_link_mtu(&floor->bridge),
				       .peer_pid = floor->copy[copy].pid};
	unsigned int link = 0;
	int err;

	snprintf(name, sizeof(name), "floor-%d", copy + 1);
	err = link_create_veth(&floor->route, &spec);
	if (!err)
		err = link_find(&floor->route, name, &link);
	if (!err)
		err = neighbour_add_port(&floor->route, link, &spec.peer_mac);
	if (!err)
		err = link_set_up_port(&floor->route, link, LINK_PORT_ISOLATED);
	floor->copy[copy].link = link;
	if (!err)
		err = neighbour_add(&floor->route, floor->bridge.index, &address, &spec.peer_mac);
	if (!err && address6.family != AF_UNSPEC)
		err = neighbour_add(&floor->route, floor->bridge.index, &address6, &spec.peer_mac);
	return err;
}

/* A client's packet that comes earlier is lost, and sent again only after a second. */
static void wait_for_copies(struct floor *floor)
{
	char none;

	close(floor->go[1]);
	close(floor->done[1]);
	while (read(floor->done[0], &none, sizeof(none)) > 0)
		;
	for (int copy = 0; copy < floor->copies; copy++)
		while (link_is_forwarding(&floor->route, floor->copy[copy].link) == 0 ||
		       link_is_active(&floor->route, floor->bridge.index) == 0)
			usleep(PAUSE_US);
}

static int install_table(struct floor *floor)
{
	const struct nat_config config = {.table = "floor",
					  .guard = GUARD,
					  .bridge = floor->bridge.name,
					  .ipv4 = network_of(&floor->bridge.subnet),
					  .ipv6 = network_of(&floor->bridge.subnet6),
					  .maps_loopback6 = floor->bridge.subnet6.family};
	int err = nat_open(&floor->nat, &config);

	for (int copy = 0; !err && copy < floor->copies; copy++) {
		const uint32_t host = BRIDGE_FIRST_HOST + (uint32_t)copy;
		const struct nat_port port = {IPPROTO_TCP, (uint16_t)(COPY_PORT + 1 + copy), {0}};
		char *chain = floor->copy[copy].chain;
		const struct nat_backend backend = {.chain = chain,
						    .to = address_of(&floor->bridge.subnet, host),
						    .to6 = address_of(&floor->bridge.subnet6, host),
						    .port = COPY_PORT};

		snprintf(chain, NAT_CHAIN_MAX, "copy-%d", copy + 1);
		nat_hold_port(&floor->nat, &port);
		nat_admit(&floor->nat,
			  &(struct nat_sender){mac_of(floor, copy), backend.to, backend.to6});
		nat_add_backend(&floor->nat, &backend);
		nat_publish(&floor->nat, &port, backend.chain, NULL);
	}
	return err ? err : nat_commit(&floor->nat);
}

static int start(struct floor *floor, char **argv)
{
	int err = pipe2(floor->go, O_CLOEXEC) < 0 || pipe2(floor->done, O_CLOEXEC) < 0 ||
		  netlink_open(&floor->route, NETLINK_ROUTE) < 0 ||
		  mac_random(&floor->bridge.mac) < 0 ||
		  !address_parse(&floor->bridge.subnet, "10.91.0.0/20");

	if (!err)
		err = bridge_make(&floor->route, &floor->bridge);
	for (int copy = 0; !err && copy < floor->copies; copy++) {
		long pid = syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);

		if (pid == 0)
			_exit(be_copy(floor, copy, argv));
		err = pid < 0;
		floor->copy[copy].pid = (pid_t)pid;
	}
	for (int copy = 0; !err && copy < floor->copies; copy++)
		err = connect_copy(floor, copy);
	if (err)
		return err;
	wait_for_copies(floor);
	return install_table(floor);
}

int main(int argc, char **argv)
{
	static struct floor floor = {.bridge = {.name = "floor0", .mtu = 1500}};
	sigset_t end;
	int number;

	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	floor.copies = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	if (floor.copies < 1 || floor.copies > COPIES_MAX || start(&floor, argv + 2)) {
		fputs("floor: failed\n", stderr);
		return EXIT_FAILURE;
	}
	sigwait(&end, &number);
	for (int copy = 0; copy < floor.copies; copy++)
		kill(floor.copy[copy].pid, SIGKILL);
	while (wait(NULL) > 0)
		;
	nft_table_delete(&floor.nat.nl, GUARD);
	nat_remove(&floor.nat);
	link_delete(&floor.route, floor.bridge.index);
	netlink_close(&floor.route);
	return EXIT_SUCCESS;
}
