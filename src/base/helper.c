// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * helper.c - a child, by its pidfd.
 */
#include "base/helper.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"

long helper_begin(struct helper *helper, uint64_t flags)
{
	struct clone_args args = {
		.flags = flags | CLONE_FILES | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&helper->pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	*helper = HELPER_NONE;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		error_redirect(NULL, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* what is open here would stay open */
	}
	return pid < 0 ? -errno : pid;
}

int helper_finish(struct helper *helper, const char *work)
{
	int status = 0;
	int err = process_wait(helper->pidfd, -1, &status);

	fd_close(&helper->pidfd);
	if (err)
		return error_report(err, "cannot wait for the child that is to %s", work);
	if (WIFSIGNALED(status)) /* it reports its own errors, but not that */
		return error_say(-EIO, "the child that was to %s was killed", work);
	return status == 0 ? 0 : -EIO;
}

void helper_abandon(struct helper *helper)
{
	if (helper->pidfd < 0)
		return;
	process_signal(helper->pidfd, SIGKILL);
	process_wait(helper->pidfd, -1, NULL);
	fd_close(&helper->pidfd);
}
