// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * child.c - a copy's first process, from clone3() to init.
 *
 * The phases, in an order that matters:
 *   1. let go of the manager's descriptors: the nftables table lives as long as anyone holds its
 *      socket
 *   2. host name, mounts, a pty and a sock_diag socket: needs privileges, but not the link
 *   3. wait until the manager has made the link; if the manager has ended instead, give up
 *   4. addresses and routes
 *   5. raise hard limits; become the user, for good; ask the kernel once more to kill us when the
 *      manager dies
 *   6. start the program; be its init
 */
#include "copy/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "base/title.h"
#include "copy/enter.h"
#include "copy/execute.h"
#include "copy/filter.h"
#include "copy/init.h"
#include "copy/pty.h"
#include "net/link_route.h"
#include "net/neighbour.h"

/*
 * The socket at which the manager hears from the program whether it is ready. Its name is in the
 * abstract namespace, which is the copy's own, as its network is (man 7 unix). Return: a descriptor
 * or -errno, reported.
 */
static int child_open_notify(const char *name)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", name);

	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) < 0)
		return error_report(-errno, "cannot open a socket for sd_notify");
	return fd_steal(&fd);
}

/*
 * Sends the manager two descriptors, or three: the copy's output, a socket that lists its sockets,
 * and one at which the program says that it is ready.
 */
static int child_hand_over(const struct container_spec *spec, int manager, int master)
{
	AUTO_CLOSE int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	AUTO_CLOSE int notify = -1;
	char hello = 0;
	int err;

	if (diag < 0)
		return error_report(-errno, "cannot open a sock_diag socket");
	if (spec->notify) {
		notify = child_open_notify(spec->notify);
		if (notify < 0)
			return notify;
	}
	err = fdpass_send(manager, &hello, sizeof(hello), (int[]){master, diag, notify},
			  spec->notify ? 3 : 2);
	if (err && err != -EPIPE) /* -EPIPE: the manager has ended, nobody needs the message */
		return error_report(err, "cannot reach the manager");
	return err;
}

/* Return: 0: the link is there; -EPIPE: the manager has ended; or another -errno, reported. */
static int child_wait_for_link(int manager)
{
	char go;
	ssize_t n;

	do
		n = recv(manager, &go, sizeof(go), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_report(-errno, "cannot receive from the manager");
	return n == 0 ? -EPIPE : 0;
}

/*
 * The gateway is the copy's only neighbour. No other address is on the link, not even the other
 * addresses of the copies' network.
 */
static int child_add_family(struct netlink *nl, unsigned int link, const struct container_way *way,
			    const struct container_spec *spec)
{
	struct link_route_spec route = {
		.gateway = way->gateway,
		.mtu = spec->mtu,
		.is_short = spec->is_behind_gate,
	};
	int err = link_add_address(nl, link, &way->address, true);

	if (!err)
		err = neighbour_add(nl, link, &way->gateway, &spec->gateway_mac);
	if (!err)
		err = link_add_route(nl, link, &route);
	if (err)
		return err;
	route.to = way->localhost;
	route.mtu = 0;
	return link_add_route(nl, link, &route);
}

/*
 * The kernel would choose a link-local address itself, and would ask on the link for a second
 * whether another machine has it. No other machine can have it: so we add the same address, without
 * asking.
 */
static int child_set_up_ipv6(struct netlink *nl, unsigned int link, const struct mac *mac)
{
	const struct address link_local = mac_link_local(mac);
	int err = link_disable_autoconf6(nl, link);

	if (err)
		return err;
	err = link_add_address(nl, link, &link_local, true);
	return err ? err : link_set_up(nl, link);
}

static int child_set_up_link(struct netlink *nl, unsigned int link,
			     const struct container_spec *spec)
{
	bool has_ipv6 = spec->ipv6.address.family != AF_UNSPEC;
	int err = has_ipv6 ? child_set_up_ipv6(nl, link, &spec->mac) : link_set_up(nl, link);

	if (err)
		return err;
	err = child_add_family(nl, link, &spec->ipv4, spec);
	if (err || !has_ipv6)
		return err;
	return child_add_family(nl, link, &spec->ipv6, spec);
}

static int child_set_up_links(struct netlink *nl, const struct container_spec *spec)
{
	unsigned int lo = if_nametoindex("lo");
	unsigned int link = if_nametoindex(spec->link);
	int err;

	if (!lo || !link)
		return error_report(-errno, "copy %u: no link %s", spec->number, spec->link);
	err = link_set_up(nl, lo); /* the kernel then adds 127.0.0.1 and ::1 */
	if (!err)
		err = child_set_up_link(nl, link, spec);
	return err ? netlink_report(nl, err, "copy %u: cannot set up %s", spec->number, spec->link)
		   : 0;
}

static int child_setup_network(const struct container_spec *spec)
{
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	err = child_set_up_links(&nl, spec);
	netlink_close(&nl);
	return err;
}

/*
 * From here on, the kernel kills this process when the manager dies. A change of user clears this
 * setting, so it is made again after that. If the manager died before it was made, the manager's
 * end of the socket is closed, which poll() shows: give up.
 */
static int child_bind_life(int manager)
{
	struct pollfd gone = {.fd = manager};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_report(-errno, "cannot bind the copy to the manager");
	return poll(&gone, 1, 0) > 0 ? -EPIPE : 0;
}

static int child_setup(const struct container_spec *spec, int manager, int *ret_slave)
{
	AUTO_CLOSE int master = -1;
	int err;

	if (sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return error_report(-errno, "copy %u: cannot set its host name", spec->number);
	err = fs_setup(&spec->fs);
	if (err)
		return err;
	close(spec->fs.view);
	err = pty_open(spec->identity, &master, ret_slave);
	if (err)
		return err;
	err = pty_make_raw(*ret_slave);
	if (err)
		return err;
	err = child_hand_over(spec, manager, master);
	if (err)
		return err;
	err = child_wait_for_link(manager);
	return err ? err : child_setup_network(spec);
}

/* Leaves the manager's table of descriptors. Keeps a copy of those that this process needs. */
static int child_leave_descriptors(const struct container_spec *spec, int manager)
{
	int null;

	if (syscall(SYS_close_range, spec->slots->end, ~0U, CLOSE_RANGE_UNSHARE) < 0)
		return error_report(-errno, "copy %u: cannot have descriptors of its own",
				    spec->number);
	process_keep_fds((int[]){manager, spec->lifeline, spec->fs.view}, 3);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return error_report(-errno, "copy %u: cannot use /dev/null", spec->number);
	close(null);
	return 0;
}

int child_main(const struct container_spec *spec, int manager)
{
	struct execute_spec execute = {
		.number = spec->number,
		.identity = spec->identity,
		.environment = spec->environment,
		.own_environment = spec->own_environment,
		.workdir = spec->fs.workdir,
		.limits = spec->limits,
		.argv = spec->argv,
	};
	int slave = -1;
	pid_t program;
	mode_t mask;
	sigset_t all;

	error_redirect(NULL, NULL);
	if (child_leave_descriptors(spec, manager) < 0)
		return EXIT_FAILURE;
	mask = umask(022); /* for files that are made for the copy; the program gets the caller's */
	sigfillset(&all);  /* init_run() waits for them */
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "uva_init");
	setsid(); /* Ctrl-C in the manager's terminal must reach the manager only */
	if (child_bind_life(manager) < 0 || child_setup(spec, manager, &slave) < 0)
		return EXIT_FAILURE;
	if (execute_keep(&execute) < 0 || limits_raise(spec->limits) < 0 ||
	    identity_assume(spec->identity) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    filter_install() < 0 || child_bind_life(manager) < 0)
		return EXIT_FAILURE;

	program = execute_start(&execute, (int[]){-1, slave, slave}, slave, mask);
	if (program < 0)
		return EXIT_FAILURE;
	/*
	 * Init keeps the terminal open. If the program closed it, and nobody had it open any more,
	 * its other end would hang up, and the kernel would send the program SIGHUP.
	 */
	dup2(slave, STDOUT_FILENO);
	close(slave);
	if (spec->run)
		title_set("%s: %s, copy %u", program_invocation_short_name, spec->run,
			  spec->number);
	init_run(program, manager, &(struct enter_host){.program = &execute, .mask = mask});
	return EXIT_SUCCESS;
}
