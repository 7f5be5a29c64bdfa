// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reserve.c - one socket for each address family. If a port is taken, the name of the program that
 * has it.
 */
#include "host/reserve.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "net/diag.h"

enum { RESERVE_TRIES = 64 }; /* to find a port that is free in both families */

/* Does the process @pid have the socket @wanted open? @proc is /proc. */
static bool reserve_holds_socket(int proc, const char *pid, const char *wanted)
{
	char path[64], target[64];
	struct dirent *entry;
	bool found = false;
	int fd;
	DIR *dir;

	snprintf(path, sizeof(path), "%.16s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(&fd);
		return false;
	}
	while (!found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);

		if (n > 0) {
			target[n] = '\0';
			found = strcmp(target, wanted) == 0;
		}
	}
	closedir(dir);
	return found;
}

static void reserve_name_process(int proc, const char *pid, char *text, size_t size)
{
	char path[64], name[32] = "?";
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%.16s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
	if (n > 0)
		name[n - 1] = '\0'; /* the file ends with a newline */
	snprintf(text, size, " by %s (pid %.16s)", name, pid);
}

/*
 * Writes " by python3 (pid 1234)" to @text; or "" if the holder is not found: it is in another pid
 * namespace, or the socket belongs to the kernel.
 */
static void reserve_find_holder(const struct nat_port *port, char *text, size_t size)
{
	struct diag_listeners listeners;
	struct netlink nl;
	struct dirent *entry;
	char wanted[32];
	DIR *proc;
	int err;

	text[0] = '\0';
	if (netlink_open(&nl, NETLINK_SOCK_DIAG) < 0)
		return;
	err = diag_find_listeners(&nl, port, &listeners);
	netlink_close(&nl);
	proc = err || !listeners.any ? NULL : opendir("/proc");
	if (!proc)
		return;
	snprintf(wanted, sizeof(wanted), "socket:[%u]", listeners.inode);
	while ((entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !reserve_holds_socket(dirfd(proc), entry->d_name, wanted))
			continue;
		reserve_name_process(dirfd(proc), entry->d_name, text, size);
		break;
	}
	closedir(proc);
}

/* @address: AF_UNSPEC: all of the family. */
static int reserve_bind(int fd, sa_family_t family, const struct address *address, uint16_t port)
{
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1;
	int err;

	if (family == AF_INET) {
		memcpy(&ipv4.sin_addr, address->bytes, sizeof(ipv4.sin_addr));
		return bind(fd, (const struct sockaddr *)&ipv4, sizeof(ipv4)) < 0 ? -errno : 0;
	}
	memcpy(&ipv6.sin6_addr, address->bytes, sizeof(ipv6.sin6_addr));
	err = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (err < 0 || bind(fd, (const struct sockaddr *)&ipv6, sizeof(ipv6)) < 0)
		return -errno;
	return 0;
}

/* Return: a descriptor or -errno. */
static int reserve_take(sa_family_t family, const struct nat_port *port)
{
	bool is_tcp = port->protocol == IPPROTO_TCP;
	AUTO_CLOSE int fd =
		socket(family, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, port->protocol);
	int on = 1;
	int err;

	if (fd < 0)
		return -errno;
	/*
	 * For TCP, bind() then ignores connections in TIME_WAIT. For UDP, it would let other
	 * programs bind to the same port.
	 */
	if (is_tcp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	err = reserve_bind(fd, family, &port->address, port->number);
	return err ? err : fd_steal(&fd);
}

/* Return: 0 or -errno, unreported. */
static int reserve_try(struct reservation *reservation, const struct nat_port *port)
{
	sa_family_t family = port->address.family;

	*reservation = RESERVATION_NONE;
	reservation->port = *port;
	if (family != AF_INET6) {
		reservation->ipv4 = reserve_take(AF_INET, port);
		if (reservation->ipv4 < 0)
			return reservation->ipv4;
	}
	if (family == AF_INET)
		return 0;
	reservation->ipv6 = reserve_take(AF_INET6, port);
	if (family == AF_UNSPEC &&
	    (reservation->ipv6 == -EAFNOSUPPORT || reservation->ipv6 == -EADDRNOTAVAIL))
		return 0; /* a host without IPv6 */
	return reservation->ipv6 < 0 ? reservation->ipv6 : 0;
}

static int reserve_failed(int err, const struct nat_port *port)
{
	const char *name = port->protocol == IPPROTO_UDP ? "UDP" : "TCP";
	bool is_bound = port->address.family != AF_UNSPEC;
	char address[ADDRESS_TEXT_MAX] = "", holder[96] = "";
	const char *of = is_bound ? " of " : "";

	if (is_bound)
		address_format(&port->address, address);
	if (is_bound && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT))
		return error_say(err, "%s: this host has no such address", address);
	if (err != -EADDRINUSE)
		return error_report(err, "cannot reserve %s port %u%s%s", name, port->number, of,
				    address);
	reserve_find_holder(port, holder, sizeof(holder));
	return error_say(err, "%s port %u%s%s is in use%s: stop that program first", name,
			 port->number, of, address, holder);
}

int reserve_port(struct reservation *reservation, const struct nat_port *port)
{
	int err = reserve_try(reservation, port);

	return err ? reserve_failed(err, port) : 0;
}

int reserve_check_address(const struct address *address)
{
	const struct nat_port any = {.protocol = IPPROTO_UDP, .address = *address};
	struct reservation reservation = RESERVATION_NONE;
	int err = 0;

	if (address->family != AF_UNSPEC)
		err = reserve_port(&reservation, &any);
	reserve_release(&reservation);
	return err;
}

/* Which port has the kernel chosen? Return: 0: none. */
static uint16_t reserve_number(int fd)
{
	struct sockaddr_in6 address = {0}; /* the port is in the same place as of IPv4 */
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return 0;
	return ntohs(address.sin6_port);
}

/*
 * The kernel chooses a port that is free in one family. Nobody uses it in the other family, or it
 * is tried again. Return: 0 or -errno, unreported.
 */
static int reserve_any(struct reservation *reservation, struct nat_port port)
{
	bool is_ipv6 = port.address.family == AF_INET6;
	AUTO_CLOSE int chosen = -1;

	port.number = 0;
	chosen = reserve_take(is_ipv6 ? AF_INET6 : AF_INET, &port);
	if (chosen < 0)
		return chosen;
	port.number = reserve_number(chosen);
	reservation->port = port;
	*(is_ipv6 ? &reservation->ipv6 : &reservation->ipv4) = fd_steal(&chosen);
	if (port.address.family != AF_UNSPEC)
		return 0;
	reservation->ipv6 = reserve_take(AF_INET6, &port);
	if (reservation->ipv6 == -EAFNOSUPPORT || reservation->ipv6 == -EADDRNOTAVAIL)
		return 0;
	return reservation->ipv6 < 0 ? reservation->ipv6 : 0;
}

int reserve_free(struct reservation *reservation, uint8_t protocol, const struct address *address,
		 uint16_t preferred)
{
	const struct nat_port port = {protocol, preferred, *address};
	int err = -EADDRINUSE;

	*reservation = RESERVATION_NONE;
	if (preferred)
		err = reserve_try(reservation, &port);
	for (int i = 0; i < RESERVE_TRIES && err && err != -EADDRNOTAVAIL; i++) {
		reserve_release(reservation);
		err = reserve_any(reservation, port);
	}
	if (err == -EADDRINUSE)
		return error_say(err, "no free host port has been found");
	return err ? reserve_failed(err, &port) : 0;
}

int reserve_check(const struct reservation *reservation)
{
	struct reservation again;
	int err = 0;

	if (reservation->port.protocol == IPPROTO_TCP) {
		err = reserve_port(&again, &reservation->port);
		reserve_release(&again);
	}
	return err;
}

/* A filter drops every packet, so that no connection ever waits in the backlog of this socket. */
static int reserve_begin_to_listen(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = {.len = 1, .filter = &nothing};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    listen(fd, 0) < 0)
		return -errno;
	return 0;
}

int reserve_listen(const struct reservation *reservation)
{
	const int fds[] = {reservation->ipv4, reservation->ipv6};

	for (size_t i = 0; reservation->port.protocol == IPPROTO_TCP && i < 2; i++) {
		int err = fds[i] < 0 ? 0 : reserve_begin_to_listen(fds[i]);

		if (err)
			return reserve_failed(err, &reservation->port);
	}
	return 0;
}

void reserve_release(struct reservation *reservation)
{
	fd_close(&reservation->ipv4);
	fd_close(&reservation->ipv6);
}
