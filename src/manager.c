// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * manager.c - the life of a run.
 */
#include "manager.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "run.h"

/*
 * Before any other process is started, so that none of the signals can fall between two chairs.
 * What stops or aborts a process keeps its default action: the guardian sees to the rest.
 */
static int manager_block_signals(int *ret_signals)
{
	static const int kept[] = {SIGTSTP, SIGQUIT, SIGABRT};
	static const int asked[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t blocked, stop;
	int fd;

	/* Ignored by our caller, it would have the kernel reap our children behind our back. */
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		sigdelset(&blocked, kept[i]);
	sigemptyset(&stop);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		sigaddset(&stop, asked[i]);
	if (sigprocmask(SIG_SETMASK, &blocked, NULL) < 0)
		return error_report(-errno, "cannot block signals");
	fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_report(-errno, "cannot make a signalfd");
	*ret_signals = fd;
	return 0;
}

static int manager_live(struct run *run)
{
	int err = manager_block_signals(&run->signals);

	if (!err)
		err = run_start(run);
	if (!err)
		err = run_supervise(run);
	return err;
}

int manager_run(const struct plan *plan)
{
	struct run run = {
		.plan = plan, .guardian = GUARDIAN_NONE, .cgroup = CGROUP_NONE, .signals = -1};
	int err, undo_err;

	output_open(&run.output, STDOUT_FILENO);
	err = manager_live(&run);
	/* However it went: one way down. */
	undo_err = run_stop(&run);
	output_close(&run.output);
	fd_close(&run.signals);
	return err || undo_err ? EXIT_FAILURE : EXIT_SUCCESS;
}
