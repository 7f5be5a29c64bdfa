// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal.c - a file that belongs to the copies' user.
 */
#include "run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"

static void journal_give_up(struct journal *journal, int err)
{
	error_report(err, "copy %u: what it prints cannot be kept in %s/%u/log", journal->number,
		     journal->places->plan->places, journal->number);
	journal_close(journal);
}

/* Return: a descriptor or -errno. */
static int journal_open_file(const struct journal *journal, off_t *ret_size)
{
	char name[16];
	AUTO_CLOSE int directory = -1, fd = -1;
	struct stat st;

	snprintf(name, sizeof(name), "%u", journal->number);
	directory = directory_open(journal->places->directory, name);
	if (directory < 0)
		return directory;
	if (fstatat(directory, "log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size >= JOURNAL_MAX &&
	    renameat(directory, "log", directory, "log.old") < 0)
		return -errno;
	/* Whatever lies there: not through a link, and without waiting for a FIFO's reader. */
	fd = openat(directory, "log",
		    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	*ret_size = st.st_size;
	return fd_steal(&fd);
}

static int journal_open_as_user(struct journal *journal)
{
	int borrowed = identity_borrow(journal->places->identity);
	int err;

	if (borrowed < 0)
		return borrowed;
	journal->fd = journal_open_file(journal, &journal->size);
	err = identity_give_back(borrowed);
	return err ? err : journal->fd;
}

void journal_open(struct journal *journal, const struct places *places, unsigned int number)
{
	int err;

	*journal = (struct journal){.places = places, .number = number, .fd = -1};
	err = journal_open_as_user(journal);
	if (err < 0)
		journal_give_up(journal, err);
}

void journal_write(struct journal *journal, const char *data, size_t length)
{
	if (!journal->places)
		return;
	if (journal->size >= JOURNAL_MAX) {
		fd_close(&journal->fd);
		journal_open(journal, journal->places, journal->number);
	}
	while (journal->places && length > 0) {
		ssize_t n = write(journal->fd, data, length);

		if (n < 0 && errno != EINTR)
			journal_give_up(journal, -errno);
		if (n <= 0)
			continue;
		data += n;
		length -= (size_t)n;
		journal->size += n;
	}
}

void journal_close(struct journal *journal)
{
	if (journal->places)
		fd_close(&journal->fd);
	journal->places = NULL;
}
