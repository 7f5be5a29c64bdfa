// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * start.c - from a plan to running copies, one step after the other.
 *
 * First everything that can be refused without having changed anything; then the guardian; from
 * then on each change of the host is in the undo log before it is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/mount.h"
#include "base/process.h"
#include "host/record.h"
#include "run.h"

enum {
	COPY_LAST_WORDS_MS = 1000,
	FILES = 64, /* descriptors of the manager, and how many more for a copy */
	FILES_PER_COPY = 8,
};

static void start_bridge_name(unsigned int index, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, RUN_BRIDGE_PREFIX "%u", index);
}

static void start_table_name(unsigned int index, char *name, size_t size)
{
	if (index == 0)
		snprintf(name, size, RUN_TABLE_PREFIX);
	else
		snprintf(name, size, RUN_TABLE_PREFIX "_%u", index);
}

/* For the guardian's choice of an index. */
static bool start_names_are_taken(unsigned int index)
{
	char bridge[IFNAMSIZ], table[32];

	start_bridge_name(index, bridge);
	start_table_name(index, table, sizeof(table));
	return if_nametoindex(bridge) != 0 || nat_table_exists(table);
}

static int start_check_program(const char *program)
{
	struct stat st;

	if (!strchr(program, '/'))
		return 0;
	if (stat(program, &st) < 0 && errno == ENOENT)
		return error_say(-ENOENT, "no %s: start in the directory that holds it", program);
	if (stat(program, &st) < 0)
		return error_report(-errno, "%s", program);
	if (!S_ISREG(st.st_mode))
		return error_say(-EACCES, "%s is no regular file", program);
	if (access(program, X_OK) < 0)
		return error_say(-EACCES, "%s is not executable (chmod +x)", program);
	return 0;
}

static int start_check(const struct plan *plan)
{
	int err = plan_check(plan);

	if (err)
		return err;
	if (geteuid() != 0)
		return error_say(-EPERM, "must be run as root, for example with sudo");
	err = start_check_program(plan->argv[0]);
	if (err)
		return err;
	if (!mount_is_supported())
		return error_say(-ENOSYS, "needs Linux 5.12 or newer (mount_setattr)");
	return 0;
}

static int start_members(struct run *run)
{
	run->members = calloc(run->plan->copies, sizeof(*run->members));
	if (!run->members)
		return error_report(-ENOMEM, "cannot keep track of %u copies", run->plan->copies);
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		struct member *member = &run->members[i];

		member->number = i + 1;
		member->copy = COPY_NONE;
		member->reservation = RESERVATION_NONE;
		snprintf(member->name, sizeof(member->name), "copy-%u", member->number);
		snprintf(member->files, sizeof(member->files), "%s/copies/%u/files",
			 run->plan->directory, member->number);
		snprintf(member->tmp, sizeof(member->tmp), "%s/copies/%u/tmp", run->plan->directory,
			 member->number);
		snprintf(member->comment, sizeof(member->comment), "copy %u: %s", member->number,
			 member->files);
	}
	return 0;
}

static int start_reserve(struct run *run)
{
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		struct member *member = &run->members[i];
		int err = reserve_port(&member->reservation, run->plan->protocol,
				       plan_host_port(run->plan, member->number));

		if (err)
			return err;
	}
	return 0;
}

/* A fresh working directory says whose it is. */
static int start_greet(const struct run *run, const struct member *member, int files)
{
	char url[PLAN_URL_MAX];
	char path[32];
	AUTO_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%s.txt", member->name);
	fd = openat(files, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	if (fchown(fd, run->identity.uid, run->identity.gid) < 0)
		return -errno;
	plan_format_url(run->plan, member->number, url);
	if (dprintf(fd,
		    "This is the working directory of copy %u.\n"
		    "What you put here is served at %s\n",
		    member->number, url) < 0)
		return -errno;
	return 0;
}

/*
 * Where the project lies below /tmp, the copy's own /tmp hides it. It is shown again at its path,
 * for which that path has to exist in what becomes the copy's /tmp; until the end of the run.
 */
static int start_make_way(const struct run *run, const struct member *member, int tmp)
{
	const char *hidden = fs_hidden_below_tmp(run->plan->directory);
	AUTO_CLOSE int at = fcntl(tmp, F_DUPFD_CLOEXEC, 0);
	char path[PATH_MAX], part[PATH_MAX];
	size_t length = 0;

	if (at < 0)
		return -errno;
	while (hidden && hidden[length]) {
		size_t start = length;
		struct stat st;
		int next, err = 0;

		length += strcspn(hidden + length, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(length - start), hidden + start);
		if (snprintf(path, sizeof(path), "%s/%.*s", member->tmp, (int)length, hidden) >=
		    (int)sizeof(path))
			return -ENAMETOOLONG;
		length += hidden[length] == '/';
		if (fstatat(at, part, &st, AT_SYMLINK_NOFOLLOW) < 0)
			err = record_note_directory(run->guardian.log, path);
		if (err)
			return err;
		next = directory_make(at, part, run->identity.uid, run->identity.gid, NULL);
		if (next < 0)
			return next;
		fd_close(&at);
		at = next;
	}
	return 0;
}

/* A run as another user has left it: the program will fail in its own way, and puzzle its user. */
static void start_check_owner(const struct run *run, const struct member *member, int tmp)
{
	uid_t uid = run->identity.uid;
	struct stat st;

	if (fstat(tmp, &st) == 0 && st.st_uid != uid && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		error_say(0,
			  "copy %u runs as user %u, but %s belongs to user %u (chown -R %u copies)",
			  member->number, uid, member->tmp, st.st_uid, uid);
}

static int start_member_directories(const struct run *run, const struct member *member, int copies)
{
	uid_t uid = run->identity.uid;
	gid_t gid = run->identity.gid;
	AUTO_CLOSE int directory = -1, files = -1, tmp = -1;
	bool fresh;
	char name[16];
	int err;

	snprintf(name, sizeof(name), "%u", member->number);
	directory = directory_make(copies, name, uid, gid, NULL);
	if (directory < 0)
		return directory;
	files = directory_make(directory, "files", uid, gid, &fresh);
	if (files < 0)
		return files;
	err = fresh ? start_greet(run, member, files) : 0;
	if (err)
		return err;
	tmp = directory_make(directory, "tmp", uid, gid, NULL);
	if (tmp < 0)
		return tmp;
	start_check_owner(run, member, tmp);
	return start_make_way(run, member, tmp);
}

static int start_directories(const struct run *run)
{
	AUTO_CLOSE int base = directory_open(AT_FDCWD, run->plan->directory);
	AUTO_CLOSE int copies = -1;

	copies = base < 0 ? base
			  : directory_make(base, "copies", run->identity.uid, run->identity.gid,
					   NULL);
	if (copies < 0)
		return error_report(copies, "%s/copies: cannot make the directory",
				    run->plan->directory);
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		int err = start_member_directories(run, &run->members[i], copies);

		if (err)
			return error_report(err, "%s/copies/%u: cannot make its directories",
					    run->plan->directory, i + 1);
	}
	return 0;
}

static struct address start_gateway6(const struct run *run)
{
	struct address none = {0};

	return run->subnet6.family == AF_UNSPEC ? none : address_nth(&run->subnet6, SUBNET_GATEWAY);
}

static int start_spawn(struct run *run, struct member *member)
{
	AUTO_CLOSE int cgroup = -1;
	int err = cgroup_make(&run->cgroup, member->number, &cgroup);
	const struct copy_spec spec = {
		.number = member->number,
		.hostname = member->name,
		.fs =
			{
				.base = run->plan->directory,
				.workdir = member->files,
				.tmp = member->tmp,
				.resolv_conf = run->resolv_conf,
				.uid = run->identity.uid,
				.gid = run->identity.gid,
			},
		.argv = run->plan->argv,
		.identity = &run->identity,
		.filter = &run->filter,
		.link = RUN_LINK_INSIDE,
		.address = member->address,
		.gateway = address_nth(&run->subnet, SUBNET_GATEWAY),
		.address6 = member->address6,
		.gateway6 = start_gateway6(run),
		.files = run->files,
		.cgroup = cgroup,
		.lifeline = run->guardian.lifeline,
	};

	return err ? err : copy_spawn(&member->copy, &spec);
}

/* It has reported what it could; but not its own death. */
static int start_lost(struct member *member, int err)
{
	int status;

	if (err != -EPIPE)
		return error_report(err, "copy %u: cannot be set up", member->number);
	if (process_wait(member->copy.pidfd, COPY_LAST_WORDS_MS, &status) < 0)
		return error_report(err, "copy %u: no answer from it", member->number);
	fd_close(&member->copy.pidfd);
	if (WIFSIGNALED(status))
		error_say(0, "copy %u: was killed while it was set up", member->number);
	return err;
}

static int start_receive(const struct run *run, struct member *member)
{
	int err = copy_receive(&member->copy);

	if (err)
		return start_lost(member, err);
	err = guardian_hold_copy(&run->guardian, member->copy.pidfd, member->copy.diag);
	if (err)
		return err;
	err = netlink_adopt(&member->diag, fd_steal(&member->copy.diag));
	return err ? error_report(err, "copy %u: cannot use its sock_diag socket", member->number)
		   : 0;
}

/* All are cloned first: while one sets its files up, the next one is born, or gets its link. */
static int start_copies(struct run *run)
{
	unsigned int count = run->plan->copies;
	int err = 0;

	for (unsigned int i = 0; !err && i < count; i++) {
		err = start_spawn(run, &run->members[i]);
		if (!err)
			run->members[i].state = MEMBER_STARTING;
	}
	for (unsigned int i = 0; !err && i < count; i++) {
		err = run_make_link(run, &run->members[i]);
		if (!err && (err = copy_release(&run->members[i].copy)))
			start_lost(&run->members[i], err);
	}
	for (unsigned int i = 0; !err && i < count; i++)
		err = start_receive(run, &run->members[i]);
	return err;
}

static void start_take_names(struct run *run)
{
	start_bridge_name(run->guardian.index, run->bridge);
	start_table_name(run->guardian.index, run->table, sizeof(run->table));
}

static int start_raise_file_limit(struct run *run)
{
	unsigned int needed = FILES + run->plan->copies * FILES_PER_COPY;
	int err = process_raise_file_limit(needed, &run->files);

	return err ? error_report(err, "cannot have %u open files (ulimit -Hn)", needed) : 0;
}

int run_start(struct run *run)
{
	int err = start_check(run->plan);

	if (!err)
		err = start_raise_file_limit(run);
	if (!err)
		err = identity_of_caller(&run->identity);
	if (!err)
		err = filter_compile(&run->filter);
	if (!err)
		err = start_members(run);
	if (!err)
		err = start_reserve(run);
	if (err)
		return err;

	err = guardian_start(&run->guardian, start_names_are_taken);
	if (err)
		return err;
	start_take_names(run);
	err = run_make_network(run);
	if (!err)
		guardian_unlock_start(&run->guardian);
	if (!err)
		err = start_directories(run);
	if (!err)
		err = cgroup_open(&run->cgroup, run->guardian.log, run->guardian.pid);
	if (!err)
		err = start_copies(run);
	return err;
}
