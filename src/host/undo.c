// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * undo.c - what each kind of record undoes.
 */
#include "host/undo.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "host/cgroup.h"
#include "host/log.h"
#include "host/netns.h"
#include "host/rundir.h"
#include "host/uplinks.h"
#include "net/conntrack.h"
#include "net/rule.h"
#include "net/table.h"

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

/* A log that is being played. */
struct undo {
	int log;
	struct netlink *netfilter; /* see undo_play() */
	int rundir;   /* locked by the caller; -1: to be locked for each record that needs it */
	int lock_err; /* why that failed: it is waited for once */
	bool has_forwarder; /* an uplink could not be turned off */
	bool is_foreign;    /* the log is of another network namespace */
	int err;            /* the first failure */
};

static int undo_conntrack(const struct record *record, struct netlink *netfilter)
{
	int err;

	if (conntrack_is_empty())
		return 0;
	err = netfilter->socket ? 0 : netlink_open(netfilter, NETLINK_NETFILTER);
	if (err)
		return err;
	err = conntrack_forget(netfilter, record->networks, 2);
	return err ? netlink_report(netfilter, err,
				    "cannot delete the conntrack entries of this run")
		   : 0;
}

static int undo_guard(const struct record *record, struct netlink *netfilter)
{
	int err = netfilter->socket ? 0 : netlink_open(netfilter, NETLINK_NETFILTER);

	if (err)
		return err;
	err = nft_table_delete(netfilter, record->table);
	return err ? netlink_report(netfilter, err, "nftables: cannot delete the table inet %s",
				    record->table)
		   : 0;
}

static int undo_rules(const struct record *record)
{
	struct netlink nl;
	int err = netlink_open(&nl, NETLINK_ROUTE);

	if (err)
		return err;
	err = rule_delete_all(&nl, record->link, record->networks);
	if (err)
		netlink_report(&nl, err, "cannot delete the routing rules for %s", record->link);
	netlink_close(&nl);
	return err;
}

static int undo_record(const struct record *record, const struct undo *undo, int rundir)
{
	switch (record->kind) {
	case RECORD_LINKS:
		return undo_links(&record->mac);
	case RECORD_CONNTRACK:
		return undo_conntrack(record, undo->netfilter);
	case RECORD_UPLINK:
		return uplinks_put_back(record->family, record->ifindex, rundir, undo->log);
	case RECORD_LRO:
		return uplinks_put_back_lro(record->ifindex, rundir, undo->log);
	case RECORD_DIRECTORY:
		return directory_remove(record->path);
	case RECORD_GUARD:
		return undo_guard(record, undo->netfilter);
	case RECORD_RULES:
		return undo_rules(record);
	case RECORD_CGROUP:
		return cgroup_undo(record->path);
	}
	return -EINVAL;
}

static int undo_tell_unsettled(const struct record *record)
{
	if (record->kind == RECORD_LRO)
		return error_say(-EBUSY,
				 "cannot turn on large receive offload of link %u: the next start "
				 "tries again",
				 record->ifindex);
	return error_say(-EBUSY,
			 "cannot turn off the IPv%d forwarding of link %u, which is being renamed "
			 "again and again: the next start tries again",
			 record->family == AF_INET6 ? 6 : 4, record->ifindex);
}

static int undo_and_void(const struct log_record *found, const struct undo *undo, int rundir)
{
	int err = undo_record(&found->record, undo, rundir);

	if (err == -EINPROGRESS)
		return undo_tell_unsettled(&found->record);
	if (err)
		return err;
	err = log_void(undo->log, found->offset);
	return err ? error_report(err, "cannot write the undo log") : 0;
}

/*
 * What is an uplink's is undone, and its record taken out, under the directory's lock, so that of
 * two runs which end at the same time one sees that it is the last. Without the lock nobody can
 * tell whether another run needs the uplink: it stays on.
 */
static int undo_uplink(const struct log_record *found, struct undo *undo)
{
	AUTO_CLOSE int lock = -1;

	if (undo->rundir >= 0)
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

/* Undoes a record, and takes it out of the log: the log shrinks while it is played. */
static int undo_found(const struct log_record *found, struct undo *undo)
{
	bool is_uplink = found->record.kind == RECORD_UPLINK;
	int err;

	if (undo->is_foreign && (is_uplink || found->record.kind == RECORD_LRO))
		return log_void(undo->log, found->offset);
	if (is_uplink || found->record.kind == RECORD_LRO) {
		err = undo_uplink(found, undo);
		undo->has_forwarder = undo->has_forwarder || (is_uplink && err);
		return err;
	}
	if (found->record.kind == RECORD_GUARD && undo->has_forwarder)
		return error_say(
			-EBUSY,
			"a link of this host still forwards: the table inet %s, which keeps "
			"it from making a router, stays until the next start",
			found->record.table);
	return undo_and_void(found, undo, undo->rundir);
}

/* What could not be undone stays in the log; the rest is undone all the same. */
static int undo_on_record(const struct log_record *found, void *data)
{
	struct undo *undo = data;
	int err = undo_found(found, undo);

	undo->err = undo->err ? undo->err : err;
	return 0;
}

/* Return: 1: the log names a guard that is not there. */
static int undo_on_guard(const struct log_record *found, void *data)
{
	(void)data;
	return found->record.kind == RECORD_GUARD && !nft_table_exists(found->record.table);
}

/*
 * A table is gone with its namespace, and a guard is made before an uplink is turned on. So if
 * there is none, and the name of the log leaves room for doubt, nothing is known of the links here.
 */
static bool undo_is_foreign(int log)
{
	return !netns_is_sure() && log_read(log, undo_on_guard, NULL, NULL) == 1;
}

static void undo_on_junk(const char *line)
{
	error_say(0, "undo log: skipping a line that is no record: %.80s", line);
}

int undo_play(int log, int rundir, struct netlink *netfilter)
{
	struct undo undo = {
		.log = log,
		.netfilter = netfilter,
		.rundir = rundir,
		.is_foreign = undo_is_foreign(log),
	};
	int err = log_read(log, undo_on_record, undo_on_junk, &undo);

	if (err)
		return error_report(err, "cannot read the undo log");
	return undo.err;
}

static int undo_recover_log(int rundir, const char *name)
{
	bool alive = false;
	AUTO_CLOSE int log = rundir_open_log(rundir, name, &alive);
	struct netlink netfilter = {0};
	int err;

	if (log == -ENOENT || (log >= 0 && alive))
		return 0;
	if (log == -EPERM || log == -EBADMSG) {
		error_report(log, "%s/%s: left alone, it is no undo log of ours", RUNDIR, name);
		return 0;
	}
	if (log < 0)
		return error_report(log, "cannot open %s/%s", RUNDIR, name);
	err = undo_play(log, rundir, &netfilter);
	netlink_close(&netfilter);
	if (!err)
		unlinkat(rundir, name, 0);
	return err;
}

int undo_recover(int rundir)
{
	DIR *logs = rundir_list(rundir);
	char name[NAME_MAX + 1];
	int err = 0, end;

	if (!logs)
		return -EIO;
	while (!(end = rundir_next_log(logs, name))) {
		int failed = undo_recover_log(rundir, name);

		err = err ? err : failed;
	}
	closedir(logs);
	return err || end == -ENOENT ? err : end;
}
