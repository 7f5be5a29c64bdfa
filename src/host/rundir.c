// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rundir.c - which runs live, and what those that were killed have left.
 */
#include "host/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/log.h"
#include "host/netns.h"

enum {
	RUNDIR_LOCK_TRIES = 300,
	RUNDIR_REMOVE_TRIES = 20,
	RUNDIR_LOCK_PAUSE_MS = 10,
	RUNDIR_OPEN_TRIES = 100,
	RUNDIR_HEADER_MAX = 64,
};

/* Where the directory is. An absolute path needs no directory to begin with. */
static int rundir_parent = AT_FDCWD;
static const char *rundir_path = RUNDIR;

void rundir_use(int parent)
{
	rundir_parent = parent;
	rundir_path = strrchr(RUNDIR, '/') + 1;
}

int rundir_descriptor(void)
{
	return rundir_parent;
}

static bool rundir_is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Return: 0; -EWOULDBLOCK: another process has the lock; or another -errno. */
static int rundir_try_lock(int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Tries again and again, because flock(2) has no deadline of its own. @gone: see rundir_open(). */
static int rundir_lock(int fd, int tries, int gone)
{
	struct pollfd end = {.fd = gone, .events = POLLIN};

	for (int i = 0; i < tries; i++) {
		int err = rundir_try_lock(fd);

		if (err != -EWOULDBLOCK)
			return err;
		if (i + 1 < tries && poll(&end, 1, RUNDIR_LOCK_PAUSE_MS) > 0)
			return -ECANCELED;
	}
	return -ETIMEDOUT;
}

static int rundir_open_directory(void)
{
	int fd;

	do
		fd = openat(rundir_parent, rundir_path,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/*
 * Return: a descriptor; or, unreported, -EAGAIN: the directory was just removed, try again;
 * -ETIMEDOUT: another process has the lock; -ECANCELED: @gone became readable; or another -errno,
 * reported.
 */
static int rundir_open_once(int tries, int gone)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int err;

	if (mkdirat(rundir_parent, rundir_path, 0700) < 0 && errno != EEXIST)
		return error_report(-errno, "cannot make %s", RUNDIR);
	fd = rundir_open_directory();
	if (fd == -ENOENT)
		return -EAGAIN;
	if (fd < 0)
		return error_report(fd, "cannot open %s", RUNDIR);
	if (fstat(fd, &st) < 0)
		return error_report(-errno, "cannot look at %s", RUNDIR);
	if (!rundir_is_ours(&st))
		return error_say(
			-EPERM,
			"%s can be written by others than root, so it is not trusted: remove it",
			RUNDIR);
	/*
	 * Whoever can open the directory can lock it. Earlier versions made it readable for
	 * everybody.
	 */
	if (st.st_mode & (S_IRWXG | S_IRWXO) && fchmod(fd, 0700) < 0)
		return error_report(-errno, "cannot close %s to others", RUNDIR);
	err = rundir_lock(fd, tries, gone);
	if (err == -ETIMEDOUT || err == -ECANCELED)
		return err;
	if (err)
		return error_report(err, "cannot lock %s", RUNDIR);
	/*
	 * The process that had the lock before us may have removed the directory, as the last run
	 * to end.
	 */
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return -EAGAIN;
	return fd_steal(&fd);
}

static int rundir_open_locked(int tries, int gone)
{
	int fd = -EAGAIN;

	for (int i = 0; fd == -EAGAIN && i < RUNDIR_OPEN_TRIES; i++)
		fd = rundir_open_once(tries, gone);
	return fd == -EAGAIN ? error_report(-ESTALE, "cannot open %s", RUNDIR) : fd;
}

int rundir_open(int gone)
{
	int fd = rundir_open_locked(RUNDIR_LOCK_TRIES, gone);

	if (fd == -ETIMEDOUT)
		error_say(fd, "%s: timed out waiting for its lock, which another process holds",
			  RUNDIR);
	return fd;
}

int rundir_try_open(void)
{
	int fd = rundir_open_locked(1, -1);

	return fd == -ETIMEDOUT ? -EAGAIN : fd;
}

static int rundir_check_log(int log)
{
	char header[RUNDIR_HEADER_MAX] = "";
	struct stat st;

	if (fstat(log, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1 || !rundir_is_ours(&st))
		return -EPERM;
	/*
	 * An empty log is valid: its run was killed right after it made the file, and has changed
	 * nothing yet.
	 */
	if (st.st_size == 0)
		return 0;
	if (pread(log, header, strlen(LOG_HEADER), 0) < 0)
		return -errno;
	return strcmp(header, LOG_HEADER) == 0 ? 0 : -EBADMSG;
}

/*
 * Is it a regular file? Anything else is not even opened: to open a device, for example, may have
 * side effects.
 */
static int rundir_check_name(int rundir, const char *name)
{
	struct stat st;

	if (fstatat(rundir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EPERM;
}

int rundir_open_log(int rundir, const char *name, bool *ret_is_alive)
{
	AUTO_CLOSE int log = -1;
	int err = rundir_check_name(rundir, name);

	if (err)
		return err;
	log = openat(rundir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (log < 0)
		return -errno;
	err = rundir_try_lock(log);
	*ret_is_alive = err == -EWOULDBLOCK;
	if (err && !*ret_is_alive)
		return err;
	err = rundir_check_log(log);
	return err ? err : fd_steal(&log);
}

int rundir_next_log(DIR *logs, char *name)
{
	char prefix[NAME_MAX];
	int err = netns_format(prefix);
	struct dirent *entry;

	if (err)
		return err;
	errno = 0;
	while ((entry = readdir(logs)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
			return 0;
		}
	return errno ? error_report(-errno, "cannot read %s", RUNDIR) : -ENOENT;
}

DIR *rundir_list(int rundir)
{
	int fd = openat(rundir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *logs = fd < 0 ? NULL : fdopendir(fd);

	if (!logs) {
		error_report(-errno, "cannot read %s", RUNDIR);
		fd_close(&fd);
	}
	return logs;
}

/* Return: 1: the log of that name is of another run, which lives, and has the record; 0; or -errno.
 */
static int rundir_log_has_link(int rundir, const char *name, const struct stat *own,
			       const struct record *wanted)
{
	AUTO_CLOSE int log = -1;
	bool is_alive = false;
	struct stat other;

	if (fstatat(rundir, name, &other, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (own->st_ino == other.st_ino)
		return 0;
	log = rundir_open_log(rundir, name, &is_alive);
	if (log == -ENOENT || log == -EPERM || log == -EBADMSG) /* it has gone, or is no log */
		return 0;
	if (log < 0)
		return log;
	return is_alive ? log_find_link(log, wanted) : 0;
}

int rundir_find_link(int rundir, int own_log, const struct record *wanted)
{
	DIR *logs = rundir < 0 ? NULL : rundir_list(rundir);
	char name[NAME_MAX + 1];
	struct stat own;
	int result = 0, end = 0;

	if (!logs)
		return rundir < 0 ? 0 : -EIO;
	if (fstat(own_log, &own) < 0)
		result = error_report(-errno, "cannot look at the undo log");
	while (!result && !(end = rundir_next_log(logs, name))) {
		result = rundir_log_has_link(rundir, name, &own, wanted);
		if (result < 0)
			error_report(result, "cannot read %s/%s", RUNDIR, name);
	}
	closedir(logs);
	if (result)
		return result;
	return end == -ENOENT ? 0 : end;
}

static int rundir_log_name(unsigned int index, char name[NAME_MAX])
{
	char prefix[NAME_MAX];
	int err = netns_format(prefix);

	if (err)
		return err;
	snprintf(name, NAME_MAX, "%.32s%u", prefix, index);
	return 0;
}

static int rundir_begin_log(int log)
{
	int err = rundir_try_lock(log);
	ssize_t n;

	if (err)
		return err;
	n = write(log, LOG_HEADER, strlen(LOG_HEADER));
	if (n < 0)
		return -errno;
	return n == (ssize_t)strlen(LOG_HEADER) ? 0 : -ENOSPC;
}

int rundir_claim(int rundir, unsigned int index)
{
	char name[NAME_MAX];
	AUTO_CLOSE int log = -1;
	int err = rundir_log_name(index, name);

	if (err)
		return err;
	log = openat(rundir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (log < 0 && errno == EEXIST)
		return -EEXIST;
	if (log < 0)
		return error_report(-errno, "cannot make %s/%s", RUNDIR, name);
	err = rundir_begin_log(log);
	if (!err)
		return fd_steal(&log);
	unlinkat(rundir, name, 0);
	return error_report(err, "cannot write %s/%s", RUNDIR, name);
}

bool rundir_has_log(int rundir, unsigned int index)
{
	char name[NAME_MAX];

	return rundir_log_name(index, name) < 0 || faccessat(rundir, name, F_OK, 0) == 0 ||
	       errno != ENOENT;
}

int rundir_remove(void)
{
	AUTO_CLOSE int rundir = rundir_open_directory();
	struct stat st;

	if (rundir == -ENOENT || rundir == -ENOTDIR || rundir == -ELOOP)
		return 0; /* there is none, or it is not ours */
	if (rundir < 0 || fstat(rundir, &st) < 0)
		return error_report(rundir < 0 ? rundir : -errno, "cannot open %s", RUNDIR);
	/*
	 * If another start has the lock, leave the directory alone: that start would go on in a
	 * directory that has no name any more.
	 */
	if (!rundir_is_ours(&st) || rundir_lock(rundir, RUNDIR_REMOVE_TRIES, -1) == -ETIMEDOUT)
		return 0;
	if (unlinkat(rundir_parent, rundir_path, AT_REMOVEDIR) == 0 || errno == ENOENT ||
	    errno == ENOTEMPTY)
		return 0;
	return error_report(-errno, "cannot remove %s", RUNDIR);
}

int rundir_release(unsigned int index)
{
	AUTO_CLOSE int rundir = rundir_open_directory();
	char name[NAME_MAX];
	int err = rundir_log_name(index, name);

	if (err)
		return err;
	if (rundir >= 0 && unlinkat(rundir, name, 0) < 0 && errno != ENOENT)
		return error_report(-errno, "cannot remove %s/%s", RUNDIR, name);
	if (rundir < 0 && rundir != -ENOENT)
		return error_report(rundir, "cannot open %s", RUNDIR);
	fd_close(&rundir);
	return rundir_remove();
}
