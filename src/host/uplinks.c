// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uplinks.c - forwarding, link by link.
 */
#include "host/uplinks.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sysctl.h"
#include "host/rundir.h"
#include "net/route.h"

enum { UPLINKS_MTU_DEFAULT = 1500, UPLINKS_MTU_MAX = 65535 };

static bool uplinks_is_on(const char *path)
{
	char value[SYSCTL_VALUE_MAX];

	return sysctl_read(path, value) == 0 && strcmp(value, "0") != 0;
}

bool uplinks_can_forward_ipv6(void)
{
	return access("/proc/sys/net/ipv6/conf/all/force_forwarding", F_OK) == 0 ||
	       uplinks_is_on("net/ipv6/conf/all/forwarding");
}

/* The MTU of a link, 0 where it is just gone. */
static unsigned int uplinks_link_mtu(const char *name)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return fd < 0 || ioctl(fd, SIOCGIFMTU, &request) < 0 ? 0 : (unsigned int)request.ifr_mtu;
}

static int uplinks_note_mtu(const struct route_local *local, void *data)
{
	unsigned int *smallest = data;
	char name[IFNAMSIZ];
	unsigned int mtu;

	if (!if_indextoname(local->ifindex, name) || strcmp(name, "lo") == 0)
		return 0;
	mtu = uplinks_link_mtu(name);
	if (mtu && (!*smallest || mtu < *smallest))
		*smallest = mtu;
	return 0;
}

unsigned int uplinks_mtu(struct netlink *route)
{
	unsigned int smallest = 0;

	if (route_list_locals(route, uplinks_note_mtu, &smallest) < 0 || !smallest)
		return UPLINKS_MTU_DEFAULT;
	return smallest < UPLINKS_MTU_MAX ? smallest : UPLINKS_MTU_MAX;
}

static int uplinks_note(struct log *log, const char *path, const char *before)
{
	struct record record = {.kind = RECORD_SYSCTL, .after = "1"};

	snprintf(record.path, sizeof(record.path), "%s", path);
	snprintf(record.before, sizeof(record.before), "%s", before);
	return log_note(log, &record, NULL);
}

/* Turns one parameter of a link from 0 to 1, if it is 0, or another run of ours has done so. */
static int uplinks_turn_on(struct uplinks *uplinks, sa_family_t family, const char *link,
			   const char *parameter, int rundir)
{
	char path[PATH_MAX], before[SYSCTL_VALUE_MAX];
	int err;

	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family == AF_INET6 ? "ipv6" : "ipv4",
		 link, parameter);
	err = sysctl_read(path, before);
	if (err == -ENOENT) /* the link is gone, or the kernel has no such parameter */
		return 0;
	if (err)
		return error_report(err, "cannot read /proc/sys/%s", path);
	if (strcmp(before, "0") != 0 &&
	    (log_find_sysctl(uplinks->log->fd, path, NULL) ||
	     !rundir_find_sysctl(rundir, uplinks->log->fd, path, before)))
		return 0; /* it is on by us already, or it was a router before us */
	err = uplinks->guard(uplinks->data, family, link);
	if (err)
		return err;
	err = uplinks_note(uplinks->log, path, before);
	if (err)
		return err;
	err = sysctl_write(path, "1");
	return err && err != -ENOENT ? error_report(err, "cannot write 1 to /proc/sys/%s", path)
				     : 0;
}

struct uplinks_scan {
	struct uplinks *uplinks;
	int rundir;
	int err; /* the first one that is reported */
};

static int uplinks_enable_one(const struct route_local *local, const struct uplinks_scan *scan)
{
	struct uplinks *uplinks = scan->uplinks;
	sa_family_t family = local->address.family;
	char name[IFNAMSIZ];

	if (local->ifindex == uplinks->bridge || !if_indextoname(local->ifindex, name) ||
	    strcmp(name, "lo") == 0)
		return 0;
	if (family == AF_INET)
		return uplinks_turn_on(uplinks, AF_INET, name, "forwarding", scan->rundir);
	if (!uplinks->ipv6 || local->link_scope || uplinks_is_on("net/ipv6/conf/all/forwarding"))
		return 0;
	return uplinks_turn_on(uplinks, AF_INET6, name, "force_forwarding", scan->rundir);
}

static int uplinks_enable(const struct route_local *local, void *data)
{
	struct uplinks_scan *scan = data;

	scan->err = uplinks_enable_one(local, scan);
	return scan->err;
}

int uplinks_enable_all(struct uplinks *uplinks, struct netlink *route, int rundir)
{
	struct uplinks_scan scan = {uplinks, rundir, 0};
	int err;

	err = route_list_locals(route, uplinks_enable, &scan);
	if (err && !scan.err)
		error_report(err, "cannot read the addresses of this host");
	return err;
}
