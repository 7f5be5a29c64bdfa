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
#include "host/record.h"
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

/* Going through the kernel's whole hash table takes 10 ms and more, even if it is empty. */
static bool undo_has_connections(void)
{
	char count[SYSCTL_VALUE_MAX];

	return sysctl_read("net/netfilter/nf_conntrack_count", count) < 0 ||
	       strcmp(count, "0") != 0;
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
	int err;

	if (!undo_has_connections())
		return 0;
	err = netlink_open(&nl, NETLINK_NETFILTER);
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

/*
 * Undoes a line, and takes it out of the log: the log shrinks while it is played. For a parameter
 * both happens under the directory's lock, so that of two runs which end at the same time one sees
 * that it is the last.
 */
static int undo_line(const char *line, int log, int rundir, off_t offset)
{
	struct record record = {0};
	AUTO_CLOSE int lock = -1;
	int err;

	if (!record_parse(line, &record)) {
		error_say(0, "undo log: skipping a line that is no record: %.80s", line);
		return 0;
	}
	if (record.kind == RECORD_SYSCTL && rundir < 0) {
		lock = rundir_open();
		if (lock < 0)
			return lock; /* does another run need it? Nobody can tell: it stays */
		rundir = lock;
	}
	err = undo_record(&record, log, rundir);
	if (!err && offset >= 0 && ftruncate(log, offset) < 0)
		err = error_report(-errno, "cannot shorten the undo log");
	return err;
}

int undo_play(int log, int rundir)
{
	char *text = record_read_all(log);
	int err = 0;
	char *end;

	if (!text)
		return error_report(-errno, "cannot read the undo log");
	/* The change behind a torn last line was never made: a record is complete before it. */
	while ((end = strrchr(text, '\n'))) {
		const char *line;
		int failed;

		*end = '\0';
		line = strrchr(text, '\n');
		if (!line) /* the header */
			break;
		/* What could not be undone has to stay, and so has all before it. */
		failed = undo_line(line + 1, log, rundir, err ? -1 : line + 1 - text);
		err = err ? err : failed;
	}
	free(text);
	return err;
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
