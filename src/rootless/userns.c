// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * userns.c - unshare(2), and the maps of user and group.
 */
#include "rootless/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/sysctl.h"

enum {
	USERNS_MAP_MAX = 64,
	USERNS_USAGE = 2,     /* exit status: the arguments are wrong */
	USERNS_NOT_RUN = 127, /* exit status: the program could not be run */
};

/* Parameters that bar user namespaces, the value with which they do, and what to do about it. */
static const struct {
	const char *path, *value, *text;
} BARS[] = {
	{"user/max_user_namespaces", "0",
	 "user namespaces are switched off here (sysctl user.max_user_namespaces): "
	 "use sudo, or ask an administrator to set it"},
	/* Debian's, up to Debian 10; also in some hardened kernels. */
	{"kernel/unprivileged_userns_clone", "0",
	 "user namespaces are for root only here (sysctl kernel.unprivileged_userns_clone=0): "
	 "use sudo, or ask an administrator to set it to 1"},
	/* Ubuntu's, from 23.10 on: a program needs a profile in which "userns" is allowed. */
	{"kernel/apparmor_restrict_unprivileged_userns", "1",
	 "AppArmor lets only programs with a profile use user namespaces here (sysctl "
	 "kernel.apparmor_restrict_unprivileged_userns): use sudo, or the program that `make "
	 "install` installs, which brings a profile"},
};

int userns_refused(int err, const char *what)
{
	char value[SYSCTL_VALUE_MAX];

	for (size_t i = 0; i < sizeof(BARS) / sizeof(BARS[0]); i++)
		if (sysctl_read(BARS[i].path, value) == 0 && strcmp(value, BARS[i].value) == 0)
			return error_say(err, "%s", BARS[i].text);
	if (err == -EPERM || err == -EACCES)
		return error_say(
			err,
			"a plain user may not make %s here (a container, a chroot?): start it "
			"outside, or with sudo",
			what);
	if (err == -ENOSPC)
		return error_say(err,
				 "there can be no more namespaces: cannot make %s (sysctl "
				 "user.max_*_namespaces)",
				 what);
	return error_report(err, "cannot make %s", what);
}

static int userns_write(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int userns_map(const char *path, unsigned int id)
{
	char map[USERNS_MAP_MAX];

	snprintf(map, sizeof(map), "%u %u 1", id, id);
	return userns_write(path, map);
}

int userns_enter(void)
{
	const unsigned int uid = geteuid(), gid = getegid();
	int err = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;

	if (!err)
		err = userns_map("/proc/self/uid_map", uid);
	if (!err)
		err = userns_write("/proc/self/setgroups", "deny");
	if (!err)
		err = userns_map("/proc/self/gid_map", gid);
	if (err)
		return userns_refused(err, "a user namespace");
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return userns_refused(-errno, "a mount namespace");
	return 0;
}

/* ---- Other programs ---- */

static int userns_try_pass_on(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = data[i].permitted & (uint32_t)(capabilities >> (32 * i));
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	for (unsigned int cap = 0; cap < 64; cap++)
		if (data[CAP_TO_INDEX(cap)].inheritable & CAP_TO_MASK(cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	return 0;
}

int userns_pass_on(uint64_t capabilities)
{
	int err = userns_try_pass_on(capabilities);

	return err ? error_report(err, "cannot pass capabilities on") : 0;
}

/* Debian's users do not have these in their PATH. */
static int userns_add_path(void)
{
	const char *path = getenv("PATH");
	char longer[PATH_MAX];
	int n = snprintf(longer, sizeof(longer), "%s:/usr/local/sbin:/usr/sbin:/sbin",
			 path ? path : "/usr/bin:/bin");

	/* Whoever has so long a PATH keeps it. */
	if (n < (int)sizeof(longer) && setenv("PATH", longer, 1) < 0)
		return error_report(-errno, "cannot set PATH");
	return 0;
}

/* Return: only on failure: -errno, reported. */
static int userns_run_in(pid_t run, char *const *argv)
{
	AUTO_CLOSE int pidfd = process_open(run);
	int err;

	if (pidfd < 0)
		return error_report(pidfd, "process %d", run);
	if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return error_report(-errno,
				    "process %d: cannot enter its network; is it a run of yours, "
				    "without root?",
				    run);
	err = userns_pass_on(~0ULL);
	if (!err)
		err = userns_add_path();
	if (err)
		return err;
	execvp(argv[0], argv);
	return error_report(-errno, "%s: cannot be run", argv[0]);
}

int userns_run_inside(char *const *arguments)
{
	const char *shell = getenv("SHELL");
	char *const alone[] = {(char *)(shell ? shell : "/bin/sh"), NULL};
	char *end;
	long pid = strtol(arguments[0], &end, 10);

	if (pid <= 0 || pid > INT_MAX || *end) {
		error_say(-EINVAL, "%s is no pid: `%s --inside PID`", arguments[0],
			  program_invocation_short_name);
		return USERNS_USAGE;
	}
	userns_run_in((pid_t)pid, arguments[1] ? arguments + 1 : alone);
	return USERNS_NOT_RUN;
}
