// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * undo.c - what each kind of record undoes.
 */
#include "host/undo.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/sysctl.h"
#include "host/cgroup.h"
#include "host/log.h"
#include "host/rundir.h"
#include "net/conntrack.h"
#include "net/rule.h"

static int undo_links(const struct mac *mac)
{
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	err = link_delete_all(&nl, mac);
	if (err)
		netlink_report(&nl, err, "cannot delete the links of this run");
	netlink_close(&nl);
	return err;
}

static int undo_rules(unsigned int index)
{
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	err = rule_delete_all(&nl, index);
	if (err)
		netlink_report(&nl, err, "cannot delete the routing rules of this run");
	netlink_close(&nl);
	return err;
}

static int undo_conntrack(const struct address networks[2])
{
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_NETFILTER);

	if (err)
		return err;
	err = conntrack_forget(&nl, networks, 2);
	if (err)
		netlink_report(&nl, err, "cannot delete the conntrack entries of this run");
	netlink_close(&nl);
	return err;
}

/* Runs share an uplink's parameters: the last one of them puts back what the first one found. */
static int undo_sysctl(const struct record *record, int log, int rundir)
{
	char now[SYSCTL_VALUE_MAX];
	int err;

	if (rundir_find_sysctl(rundir, log, record->path, NULL))
		return 0;
	err = sysctl_read(record->path, now);
	if (!err && strcmp(now, record->after) == 0)
		err = sysctl_write(record->path, record->before);
	if (!err || err == -ENOENT) /* its link is gone, and the parameter with it */
		return 0;
	return error_report(err, "cannot put %s back to %s", record->path, record->before);
}

_Static_assert((int)RECORD_INDEX_MAX <= (int)RULE_INDEX_MAX, "each run has rules of its own");

static int undo_record(const struct record *record, int log, int rundir)
{
	switch (record->kind) {
	case RECORD_LINKS:
		return undo_links(&record->mac);
	case RECORD_CONNTRACK:
		return undo_conntrack(record->networks);
	case RECORD_SYSCTL:
		return undo_sysctl(record, log, rundir);
	case RECORD_DIRECTORY:
		return directory_remove(record->path);
	case RECORD_RULES:
		return undo_rules(record->index);
	case RECORD_CGROUP:
		return cgroup_undo(record->path);
	}
	return -EINVAL;
}

/* A log that is being played. */
struct undo {
	int log;
	int rundir;   /* locked by the caller; -1: to be locked for each record that needs it */
	int lock_err; /* why that failed: it is waited for once */
	int err;      /* the first failure */
};

static int undo_and_void(const struct log_record *found, const struct undo *undo, int rundir)
{
	int err = undo_record(&found->record, undo->log, rundir);

	if (err)
		return err;
	err = log_void(undo->log, found->offset);
	return err ? error_report(err, "cannot write the undo log") : 0;
}

/*
 * Undoes a record, and takes it out of the log: the log shrinks while it is played. For a parameter
 * both happen under the directory's lock, so that of two runs which end at the same time one sees
 * that it is the last. Without the lock nobody can tell whether another run needs the parameter:
 * it stays.
 */
static int undo_found(const struct log_record *found, struct undo *undo)
{
	AUTO_CLOSE int lock = -1;

	if (found->record.kind != RECORD_SYSCTL || undo->rundir >= 0)
		return undo_and_void(found, undo, undo->rundir);
	if (undo->lock_err)
		return undo->lock_err;
	lock = rundir_open(-1);
	if (lock < 0) {
		undo->lock_err = lock;
		return lock;
	}
	return undo_and_void(found, undo, lock);
}

/* What could not be undone stays in the log; the rest is undone all the same. */
static int undo_on_record(const struct log_record *found, void *data)
{
	struct undo *undo = data;
	int err = undo_found(found, undo);

	undo->err = undo->err ? undo->err : err;
	return 0;
}

static void undo_on_junk(const char *line)
{
	error_say(0, "undo log: skipping a line that is no record: %.80s", line);
}

int undo_play(int log, int rundir)
{
	struct undo undo = {.log = log, .rundir = rundir};
	int err = log_read(log, undo_on_record, undo_on_junk, &undo);

	if (err)
		return error_report(err, "cannot read the undo log");
	return undo.err;
}

static int undo_recover_log(int rundir, const char *name)
{
	bool alive = false;
	AUTO_CLOSE int log = rundir_open_log(rundir, name, &alive);
	int err;

	if (log == -ENOENT || (log >= 0 && alive))
		return 0;
	if (log < 0) {
		error_report(log, "%s/%s: left alone, it is no undo log of ours", RUNDIR, name);
		return 0;
	}
	err = undo_play(log, rundir);
	if (!err)
		unlinkat(rundir, name, 0);
	return err;
}

int undo_recover(int rundir)
{
	DIR *logs = rundir_list(rundir);
	char name[NAME_MAX + 1];
	int err = 0;

	if (!logs)
		return -EIO;
	while (rundir_next_log(logs, name) == 0) {
		int failed = undo_recover_log(rundir, name);

		err = err ? err : failed;
	}
	closedir(logs);
	return err;
}
