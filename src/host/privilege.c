// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * privilege.c - capabilities, and what they are worth.
 */
#include "host/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

static bool privilege_has(const struct __user_cap_data_struct *data, unsigned int cap)
{
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool privilege_is_there(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return syscall(SYS_capget, &header, data) == 0 && privilege_has(data, CAP_SYS_ADMIN) &&
	       privilege_has(data, CAP_NET_ADMIN);
}

/* The kernel shows the owner only to those who have rights over it: ioctl_nsfs(2), EPERM. */
static bool privilege_owns_network(void)
{
	AUTO_CLOSE int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int owner = network < 0 ? -1 : ioctl(network, NS_GET_USERNS);

	return owner >= 0 || errno != EPERM;
}

int privilege_check(void)
{
	if (!privilege_is_there())
		return error_say(-EPERM, "lacks CAP_SYS_ADMIN or CAP_NET_ADMIN, which root has "
					 "outside of a container");
	if (!privilege_owns_network())
		return error_say(-EPERM, "this network namespace belongs to somebody else: make "
					 "one with the user namespace (unshare --net)");
	return 0;
}
