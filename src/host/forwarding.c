// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * forwarding.c - the parameter, by the name that the link has now.
 */
#include "host/forwarding.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/sysctl.h"
#include "net/link.h"

/* The name can change between its look-up and its use. */
enum { FORWARDING_RENAME_TRIES = 50 };

/* Return: 0; -ENXIO: there is no such link; or another -errno, reported. */
static int forwarding_name(unsigned int ifindex, char name[IFNAMSIZ])
{
	if (if_indextoname(ifindex, name))
		return 0;
	return errno == ENXIO
		       ? -ENXIO
		       : error_report(-errno, "cannot find out the name of link %u", ifindex);
}

/* The path of the parameter. Return: see forwarding_name(); -ENXIO: or it has none. */
static int forwarding_path(sa_family_t family, unsigned int ifindex, char path[PATH_MAX])
{
	char name[IFNAMSIZ];
	int err = forwarding_name(ifindex, name);

	if (err)
		return err;
	/* A link with such a name has no parameters (sysctl_dev_name_is_allowed()). */
	if (strcmp(name, "all") == 0 || strcmp(name, "default") == 0)
		return -ENXIO;
	if (family == AF_INET6)
		snprintf(path, PATH_MAX, "net/ipv6/conf/%s/force_forwarding", name);
	else
		snprintf(path, PATH_MAX, "net/ipv4/conf/%s/forwarding", name);
	return 0;
}

/*
 * The parameter is not there under the link's name. When a link is renamed, the kernel gives it the
 * new name some milliseconds before its parameters get theirs (dev_change_name()). It holds a lock
 * meanwhile, for which this request waits.
 * Return: -EINPROGRESS: it has been renamed; -ENOENT: there is no such link, or it has no such
 * parameter; or another -errno, reported.
 */
static int forwarding_await_rename(sa_family_t family, unsigned int ifindex)
{
	char value[SYSCTL_VALUE_MAX];
	struct netlink route;
	int err;

	/* Before Linux 6.17 no link has it. */
	if (family == AF_INET6 &&
	    sysctl_read("net/ipv6/conf/all/force_forwarding", value) == -ENOENT)
		return -ENOENT;
	err = netlink_open(&route, NETLINK_ROUTE);
	if (err)
		return err;
	err = link_has_family(&route, ifindex, family);
	netlink_close(&route);
	if (err == 0 || err == -ENODEV)
		return -ENOENT;
	return err < 0 ? error_report(err, "cannot look for link %u", ifindex) : -EINPROGRESS;
}

/* One try. Writes @wanted, or reads if that is NULL. Return: see forwarding_read(). */
static int forwarding_try(sa_family_t family, unsigned int ifindex, const char *wanted,
			  char value[SYSCTL_VALUE_MAX])
{
	char path[PATH_MAX];
	int err = forwarding_path(family, ifindex, path);

	if (err)
		return err == -ENXIO ? -ENOENT : err;
	err = wanted ? sysctl_write(path, wanted) : sysctl_read(path, value);
	if (err == -ENOENT)
		return forwarding_await_rename(family, ifindex);
	if (err && wanted)
		return error_report(err, "cannot write %s to /proc/sys/%s", wanted, path);
	return err ? error_report(err, "cannot read /proc/sys/%s", path) : 0;
}

static int forwarding_access(sa_family_t family, unsigned int ifindex, const char *wanted,
			     char value[SYSCTL_VALUE_MAX])
{
	int err = -EINPROGRESS;

	for (int i = 0; err == -EINPROGRESS && i < FORWARDING_RENAME_TRIES; i++)
		err = forwarding_try(family, ifindex, wanted, value);
	return err;
}

int forwarding_read(sa_family_t family, unsigned int ifindex, bool *ret_is_on)
{
	char value[SYSCTL_VALUE_MAX] = "";
	int err = forwarding_access(family, ifindex, NULL, value);

	*ret_is_on = !err && strcmp(value, "0") != 0;
	return err;
}

int forwarding_write(sa_family_t family, unsigned int ifindex, const char *value)
{
	int err = forwarding_access(family, ifindex, value, NULL);

	return err == -ENOENT ? 0 : err;
}
