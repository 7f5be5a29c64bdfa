// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gate.c - the manager's side. The gate's process: keeper.c.
 *
 *   before  user, host's network          the gate is cloned from here on
 *   1.      a user namespace, and the mount, IPC and UTS namespaces that belong to it
 *   2.      the gate, cloned; with a mount and a pid namespace of its own
 *   3.      a network namespace, for the manager; the gate gets a descriptor of it
 */
#include "rootless/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/mount.h"
#include "base/process.h"
#include "base/sysctl.h"
#include "host/reserve.h"
#include "host/rundir.h"
#include "net/link.h"
#include "rootless/keeper.h"
#include "rootless/pasta.h"
#include "rootless/userns.h"

enum { GATE_END_MS = 2000 };

/* ---- Before anything is changed ---- */

/* The run's network does not see for which of the host's addresses a connection is. */
static int gate_check_number(const struct nat_port *ports, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (ports[i].number == ports[index].number &&
		    ports[i].protocol == ports[index].protocol)
			return error_say(-EINVAL,
					 "port %u: of one address only, without root; with sudo "
					 "each address can have its own",
					 ports[i].number);
	return 0;
}

/*
 * pasta could only tell that a port is taken, not by whom. Nobody holds the ports from the end of
 * this until pasta has bound to them: then the second one fails.
 */
static int gate_check_ports(const struct nat_port *ports, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct reservation reservation;
		int err = gate_check_number(ports, i);

		if (err)
			return err;
		err = reserve_port(&reservation, &ports[i]);
		reserve_release(&reservation);
		if (err)
			return err;
	}
	return 0;
}

static int gate_check(const struct nat_port *ports, size_t count)
{
	int err = pasta_check();

	return err ? err : gate_check_ports(ports, count);
}

/* ---- The gate's process ---- */

/* Return: as fork(2), or -errno. */
static long gate_clone(struct gate *gate)
{
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&gate->pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	return pid < 0 ? -errno : pid;
}

static int gate_start(struct gate *gate, const struct nat_port *ports, size_t count)
{
	AUTO_CLOSE int ours = -1, theirs = -1;
	int ends[2];
	long pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_report(-errno, "cannot make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	pid = gate_clone(gate);
	if (pid == 0)
		_exit(keeper_main(theirs, ports, count));
	if (pid < 0)
		return userns_refused((int)pid, "a pid namespace");
	gate->pid = (pid_t)pid;
	gate->socket = fd_steal(&ours);
	return 0;
}

/* If it has exited, it has said why. */
static int gate_report_end(const struct gate *gate)
{
	char how[64];
	int status = 0;
	int err = process_wait(gate->pidfd, GATE_END_MS, &status);

	if (!err && WIFSIGNALED(status)) {
		process_format_end(status, how, sizeof(how));
		error_say(0, "the process that holds pasta %s: stopping", how);
	}
	return -EPIPE;
}

/* ---- The run's own place ---- */

static int gate_set_up_loopback(void)
{
	struct netlink route;
	int err = netlink_open(&route, NETLINK_ROUTE);

	if (err)
		return err;
	err = link_set_up(&route, if_nametoindex("lo"));
	netlink_close(&route);
	return err ? error_report(err, "link lo: cannot set up") : 0;
}

/* Return: 0, also where this kernel has no such parameter; or -errno, reported. */
static int gate_set(const char *path, const char *value)
{
	int err = sysctl_write(path, value);

	return err && err != -ENOENT ? error_report(err, "cannot write /proc/sys/%s", path) : 0;
}

/*
 * What would disturb a host, and is not done there, can be done here:
 * - all links forward, from the moment that they are there: also pasta's for IPv6, which is made
 *   anew while others wait for it, and also where the kernel could not forward IPv6 by single links
 * - with br_netfilter, let it keep away from our bridge
 * No address is looked for twice, either: pasta of 2023 takes the empty address, from which that is
 * asked, for an address of ours.
 */
static int gate_set_up_network(void)
{
	static const struct {
		const char *path, *value;
	} SETTINGS[] = {
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv6/conf/all/forwarding", "1"},
		{"net/ipv6/conf/default/accept_dad", "0"},
		{"net/bridge/bridge-nf-call-iptables", "0"},
		{"net/bridge/bridge-nf-call-ip6tables", "0"},
		{"net/bridge/bridge-nf-call-arptables", "0"},
	};
	int err = gate_set_up_loopback();

	for (size_t i = 0; !err && i < sizeof(SETTINGS) / sizeof(SETTINGS[0]); i++)
		err = gate_set(SETTINGS[i].path, SETTINGS[i].value);
	return err;
}

/* The host's /run belongs to root. */
static int gate_set_up_rundir(void)
{
	int directory = mount_make("tmpfs", NULL);

	if (directory < 0)
		return error_report(directory, "cannot make a directory for the undo log");
	rundir_use(directory);
	return 0;
}

static int gate_hand_over_network(const struct gate *gate)
{
	AUTO_CLOSE int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const char nothing = 0;
	int err = network < 0 ? -errno
			      : fdpass_send(gate->socket, &nothing, sizeof(nothing), &network, 1);

	if (err == -EPIPE)
		return gate_report_end(gate);
	return err ? error_report(err, "cannot tell pasta the network namespace") : 0;
}

static int gate_enter(const struct gate *gate)
{
	int err;

	if (unshare(CLONE_NEWNET) < 0)
		return userns_refused(-errno, "a network namespace");
	err = gate_set_up_network();
	if (err)
		return err;
	err = gate_set_up_rundir();
	return err ? err : gate_hand_over_network(gate);
}

int gate_open(struct gate *gate, const struct nat_port *ports, size_t count)
{
	int err = gate_check(ports, count);

	if (err)
		return err;
	err = userns_enter();
	if (err)
		return err;
	err = gate_start(gate, ports, count);
	return err ? err : gate_enter(gate);
}

/* ---- While the run lives ---- */

int gate_receive(struct gate *gate)
{
	int err = fdpass_hear(gate->socket, &gate->served, sizeof(gate->served));

	if (err == -EAGAIN)
		return err;
	if (err == -EPIPE)
		return gate_report_end(gate);
	if (err)
		return error_report(err, "no answer from the process that holds pasta");
	gate->is_there = true;
	return 0;
}

int gate_let_in(struct gate *gate, const struct nat_port *port)
{
	int err = fdpass_tell(gate->socket, port, sizeof(*port));

	if (err == -EAGAIN || err == -EPIPE) /* -EPIPE: gate_receive() tells it */
		return -EAGAIN;
	if (err)
		return error_report(err, "port %u: cannot ask pasta to take IPv6 connections",
				    port->number);
	gate->asked++;
	return 0;
}

bool gate_is_busy(const struct gate *gate)
{
	return gate->pidfd >= 0 && gate->asked != gate->served;
}

void gate_tell(const struct gate *gate)
{
	if (gate->pidfd < 0)
		return;
	error_say(0, "without root: connections pass through pasta; with sudo they stay in the "
		     "kernel");
	error_say(0, "to look inside: %s --inside %d nft list ruleset", program_invocation_name,
		  getpid());
}

void gate_close(struct gate *gate)
{
	fd_close(&gate->socket);
	if (gate->pidfd < 0)
		return;
	process_signal(gate->pidfd, SIGCONT);
	if (process_wait(gate->pidfd, GATE_END_MS, NULL) == -ETIMEDOUT) {
		process_signal(gate->pidfd, SIGKILL);
		process_wait(gate->pidfd, GATE_END_MS, NULL);
	}
	fd_close(&gate->pidfd);
}
