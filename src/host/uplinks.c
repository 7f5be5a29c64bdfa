// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uplinks.c - forwarding, link by link.
 */
#include "host/uplinks.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/sysctl.h"
#include "host/forwarding.h"
#include "host/rundir.h"
#include "net/offload.h"
#include "net/route.h"

enum {
	UPLINKS_LOOPBACK = 1, /* LOOPBACK_IFINDEX, include/net/flow.h */
	UPLINKS_MTU_DEFAULT = 1500,
	UPLINKS_MTU_MAX = 65535,
};

struct uplink {
	sa_family_t family;
	unsigned int ifindex;
	struct log_entry entry;
	bool is_wanted; /* in uplinks_update(): the link still is an uplink */
};

int uplinks_host_forwards(sa_family_t family)
{
	const char *path = family == AF_INET6 ? "net/ipv6/conf/all/forwarding"
					      : "net/ipv4/conf/all/forwarding";
	char value[SYSCTL_VALUE_MAX];
	int err = sysctl_read(path, value);

	if (err == -ENOENT) /* a kernel without IPv6 */
		return 0;
	return err ? error_report(err, "cannot read /proc/sys/%s", path) : strcmp(value, "0") != 0;
}

bool uplinks_can_forward_ipv6(void)
{
	return access("/proc/sys/net/ipv6/conf/all/force_forwarding", F_OK) == 0 ||
	       uplinks_host_forwards(AF_INET6) > 0;
}

/* ---- MTU ---- */

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

/* ---- One link ---- */

int uplinks_put_back(sa_family_t family, unsigned int ifindex, int rundir, int own_log)
{
	const struct record record = {.kind = RECORD_UPLINK, .family = family, .ifindex = ifindex};
	int is_needed = rundir_find_link(rundir, own_log, &record);
	bool is_on = false;
	int err;

	if (!is_needed)
		is_needed = uplinks_host_forwards(family);
	if (is_needed)
		return is_needed < 0 ? is_needed : 0;
	err = forwarding_read(family, ifindex, &is_on);
	if (err)
		return err == -ENOENT ? 0 : err;
	return is_on ? forwarding_write(family, ifindex, "0") : 0;
}

int uplinks_put_back_lro(unsigned int ifindex, int rundir, int own_log)
{
	const struct record record = {.kind = RECORD_LRO, .ifindex = ifindex};
	const struct record uplink = {.kind = RECORD_UPLINK, .family = AF_INET, .ifindex = ifindex};
	int err = rundir_find_link(rundir, own_log, &record);
	bool is_on = false;

	if (err)
		return err < 0 ? err : 0;
	err = forwarding_read(AF_INET, ifindex, &is_on);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!is_on)
		return offload_want_lro(ifindex);
	/* Others have it forward; or it could not be turned off, and then our log still has it. */
	err = log_find_link(own_log, &uplink);
	if (err < 0)
		return error_report(err, "cannot read the undo log");
	return err ? -EINPROGRESS : 0;
}

static struct uplink *uplinks_find(const struct uplinks *uplinks, sa_family_t family,
				   unsigned int ifindex)
{
	for (size_t i = 0; i < uplinks->count; i++)
		if (uplinks->links[i].family == family && uplinks->links[i].ifindex == ifindex)
			return &uplinks->links[i];
	return NULL;
}

/* As uplinks_find(). The link is not to be dropped at the end of uplinks_update(). */
static struct uplink *uplinks_want(const struct uplinks *uplinks, sa_family_t family,
				   unsigned int ifindex)
{
	struct uplink *uplink = uplinks_find(uplinks, family, ifindex);

	if (uplink)
		uplink->is_wanted = true;
	return uplink;
}

static struct uplink *uplinks_append(struct uplinks *uplinks, sa_family_t family,
				     unsigned int ifindex)
{
	struct uplink *grown =
		reallocarray(uplinks->links, uplinks->count + 1, sizeof(*uplinks->links));

	if (!grown) {
		error_report(-ENOMEM, "cannot keep track of the uplinks");
		return NULL;
	}
	uplinks->links = grown;
	grown[uplinks->count] =
		(struct uplink){.family = family, .ifindex = ifindex, .is_wanted = true};
	return &grown[uplinks->count++];
}

/*
 * The kernel turns LRO off together with IPv4's forwarding on, so it is in the log before. Another
 * run may have it there already. It stays there as long as the run, also if the link is no uplink
 * any more: what is stacked on it may be one.
 */
static int uplinks_note_lro(const struct uplinks *uplinks, unsigned int ifindex, int rundir)
{
	const struct record record = {.kind = RECORD_LRO, .ifindex = ifindex};
	int is_known = log_find_link(uplinks->log->fd, &record);
	int is_wanted;

	if (is_known)
		return is_known < 0 ? error_report(is_known, "cannot read the undo log") : 0;
	is_wanted = offload_wants_lro(ifindex);
	if (is_wanted == 0)
		is_wanted = rundir_find_link(rundir, uplinks->log->fd, &record);
	if (is_wanted <= 0)
		return is_wanted;
	return log_note(uplinks->log, &record, NULL);
}

/* In the log, then guarded, then on. */
static int uplinks_take(struct uplinks *uplinks, sa_family_t family, unsigned int ifindex,
			int rundir)
{
	const struct record record = {.kind = RECORD_UPLINK, .family = family, .ifindex = ifindex};
	int err = family == AF_INET ? uplinks_note_lro(uplinks, ifindex, rundir) : 0;
	struct uplink *uplink;

	if (err)
		return err;
	uplink = uplinks_append(uplinks, family, ifindex);
	if (!uplink)
		return -ENOMEM;
	err = log_note(uplinks->log, &record, &uplink->entry);
	if (err) {
		uplinks->count--;
		return err;
	}
	nat_guard(uplinks->nat, family, ifindex);
	err = nat_commit(uplinks->nat);
	if (!err)
		return forwarding_write(family, ifindex, "1");
	/* It is not guarded: if it stayed in the list, a later look would only turn it on. */
	log_retire(uplinks->log, &uplink->entry);
	uplinks->count--;
	return err;
}

/* What was turned on by nobody of ours was so before: the host is a router there, and stays one. */
static int uplinks_consider(struct uplinks *uplinks, sa_family_t family, unsigned int ifindex,
			    int rundir)
{
	const struct record record = {.kind = RECORD_UPLINK, .family = family, .ifindex = ifindex};
	struct uplink *uplink = uplinks_want(uplinks, family, ifindex);
	bool is_on = false;
	int err;

	err = forwarding_read(family, ifindex, &is_on);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (uplink) /* somebody may have turned it off: with all.forwarding, say */
		return is_on ? 0 : forwarding_write(family, ifindex, "1");
	if (is_on) {
		int is_shared = rundir_find_link(rundir, uplinks->log->fd, &record);

		if (is_shared <= 0)
			return is_shared;
	}
	return uplinks_take(uplinks, family, ifindex, rundir);
}

/* ---- All links ---- */

struct uplinks_scan {
	struct uplinks *uplinks;
	int rundir;
	unsigned int unsettled; /* a link that is being renamed; 0: there is none */
	int err;                /* the first one, reported */
};

static int uplinks_on_link(sa_family_t family, unsigned int ifindex, void *data)
{
	struct uplinks_scan *scan = data;
	struct uplinks *uplinks = scan->uplinks;
	int is_router;

	if (ifindex == uplinks->bridge || ifindex == UPLINKS_LOOPBACK ||
	    (family == AF_INET6 && !uplinks->has_ipv6))
		return 0;
	is_router = uplinks_host_forwards(family);
	if (is_router)
		scan->err = is_router < 0 ? is_router : 0;
	else if (ifindex == scan->unsettled) /* it is not tried for each of its addresses */
		uplinks_want(uplinks, family, ifindex);
	else
		scan->err = uplinks_consider(uplinks, family, ifindex, scan->rundir);
	if (scan->err == -EINPROGRESS) {
		scan->unsettled = ifindex;
		scan->err = 0;
	}
	return scan->err;
}

static int uplinks_on_local(const struct route_local *local, void *data)
{
	if (local->address.family == AF_INET6 && local->link_scope)
		return 0;
	return uplinks_on_link(local->address.family, local->ifindex, data);
}

static void uplinks_remove(struct uplinks *uplinks, size_t index)
{
	struct uplink *uplink = &uplinks->links[index];

	nat_unguard(uplinks->nat, uplink->family, uplink->ifindex);
	log_retire(uplinks->log, &uplink->entry);
	*uplink = uplinks->links[--uplinks->count];
}

/* First off, then without a guard, then out of the log. One that is being renamed stays guarded. */
static int uplinks_drop_unwanted(struct uplinks_scan *scan)
{
	struct uplinks *uplinks = scan->uplinks;

	for (size_t i = uplinks->count; i > 0; i--) {
		const struct uplink *uplink = &uplinks->links[i - 1];
		int err;

		if (uplink->is_wanted)
			continue;
		err = uplinks_put_back(uplink->family, uplink->ifindex, scan->rundir,
				       uplinks->log->fd);
		if (err && err != -EINPROGRESS)
			return err;
		if (err)
			scan->unsettled = uplink->ifindex;
		else
			uplinks_remove(uplinks, i - 1);
	}
	return nat_commit(uplinks->nat);
}

int uplinks_update(struct uplinks *uplinks, struct netlink *route, int rundir)
{
	struct uplinks_scan scan = {.uplinks = uplinks, .rundir = rundir};
	int err;

	for (size_t i = 0; i < uplinks->count; i++)
		uplinks->links[i].is_wanted = false;
	err = route_list_locals(route, uplinks_on_local, &scan);
	if (!err)
		err = route_list_links(route, uplinks_on_link, &scan);
	if (err)
		return scan.err ? err : error_report(err, "cannot read the addresses of this host");
	err = uplinks_drop_unwanted(&scan);
	return !err && scan.unsettled ? -EINPROGRESS : err;
}

int uplinks_let_go(struct uplinks *uplinks, sa_family_t family)
{
	for (size_t i = uplinks->count; i > 0; i--)
		if (uplinks->links[i - 1].family == family)
			uplinks_remove(uplinks, i - 1);
	return nat_commit(uplinks->nat);
}

void uplinks_close(struct uplinks *uplinks)
{
	free(uplinks->links);
	uplinks->links = NULL;
	uplinks->count = 0;
}
