// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * place.c - makes PLACES/N/files with a greeting in it, and PLACES/N/tmp with the path to the
 * project in it.
 */
#include "run/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "copy/fs.h"

static int places_make(const struct places *places)
{
	const char *path = places->plan->places;
	const char *name = strrchr(path, '/') + 1;
	AUTO_CLOSE int parent = -1, made = -1;
	char above[PATH_MAX];
	int borrowed, err;

	snprintf(above, sizeof(above), "%.*s", name - path > 1 ? (int)(name - path - 1) : 1, path);
	parent = directory_open(AT_FDCWD, above);
	if (parent < 0)
		return error_report(parent, "%s: cannot open the directory", above);
	borrowed = identity_borrow(places->identity);
	if (borrowed < 0)
		return borrowed;
	made = directory_make(parent, name, NULL);
	err = identity_give_back(borrowed);
	if (err)
		return err;
	if (made < 0)
		return error_report(made, "%s: cannot make the directory", path);
	return fd_steal(&made);
}

int places_open(struct places *places)
{
	places->directory = places_make(places);
	return places->directory < 0 ? places->directory : 0;
}

void places_close(struct places *places)
{
	fd_close(&places->directory);
}

void places_path(const struct places *places, unsigned int number, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/%u%s%s", places->plan->places, number, name ? "/" : "",
		 name ? name : "");
}

/* Writes a file into a new working directory, which says whose directory it is. */
static int place_greet(const struct places *places, unsigned int number, int files)
{
	const struct plan *plan = places->plan;
	char name[PLAN_TEXT_MAX], text[PLAN_TEXT_MAX];
	AUTO_CLOSE int fd = -1;

	if (!plan->greeting_name)
		return 0;
	plan_expand(plan, plan->greeting_name, number, name);
	plan_expand(plan, plan->greeting, number, text);
	fd = openat(files, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/*
 * Gives the user, who is its owner, what the next start needs of the directory @name, open as @fd.
 * A copy can have taken it away. If somebody puts a link there meanwhile, it leads to what is the
 * user's anyway, since that is who changes it.
 */
static int place_open_up(const struct places *places, int at, const char *name, int fd,
			 mode_t needed)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & needed) == needed || st.st_uid != places->identity->uid)
		return 0;
	return fchmodat(at, name, (st.st_mode & ALLPERMS) | S_IRWXU, 0) < 0 ? -errno : 0;
}

/* Renames what is not the directory @name that is needed there: a copy can have put it there. */
static int place_move_aside(int at, const char *name, const char *path)
{
	char aside[NAME_MAX + 1];
	uint32_t number;
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return 0;
	if (getrandom(&number, sizeof(number), 0) < 0) /* a name that nobody has taken */
		return -errno;
	snprintf(aside, sizeof(aside), "%.200s.moved-%08x", name, number);
	if (renameat(at, name, at, aside) < 0)
		return -errno;
	error_say(0, "%s has to be a directory while the copy runs: renamed to %s", path, aside);
	return 0;
}

/*
 * Makes directory @name in @at. If it does not exist yet, it is noted in the log: it is there for
 * this life only.
 * Return: a descriptor or -errno.
 */
static int place_make_step(struct place *place, const struct places *places, int at,
			   const char *name, const char *path)
{
	struct record record = {.kind = RECORD_DIRECTORY};
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int err = place_move_aside(at, name, path);

	if (err)
		return err;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		snprintf(record.path, sizeof(record.path), "%s", path);
		err = log_note(places->log, &record, &place->made[place->made_count]);
		if (err)
			return err;
	}
	place->made_count++;
	fd = directory_make(at, name, NULL);
	err = fd < 0 ? fd : place_open_up(places, at, name, fd, S_IXUSR);
	return err ? err : fd_steal(&fd);
}

/* Writes TMP/ and the first @steps components of @hidden to @path. */
static void place_format_step(const char *tmp, const char *hidden, size_t steps, char *path)
{
	size_t length = 0;

	for (size_t i = 0; i < steps; i++) {
		length += i > 0;
		length += strcspn(hidden + length, "/");
	}
	snprintf(path, PATH_MAX, "%.*s/%.*s", PATH_MAX / 2, tmp, (int)length, hidden);
}

static size_t place_count_steps(const char *hidden)
{
	size_t steps = 1;

	for (; *hidden; hidden++)
		steps += *hidden == '/';
	return steps;
}

/*
 * If the project is below /tmp, the copy's own /tmp hides it. So it is mounted at its path once
 * more. For that the path must exist in the directory that becomes the copy's /tmp, as long as the
 * copy lives.
 */
static int place_make_way(struct place *place, const struct places *places, unsigned int number,
			  int tmp)
{
	const char *hidden = fs_hidden_below_tmp(places->plan->directory);
	AUTO_CLOSE int at = fcntl(tmp, F_DUPFD_CLOEXEC, 0);
	char tmp_path[PATH_MAX], path[PATH_MAX];
	size_t steps;

	if (at < 0)
		return -errno;
	if (!hidden)
		return 0;
	places_path(places, number, "tmp", tmp_path);
	if (strlen(tmp_path) >= PATH_MAX / 2 || strlen(hidden) >= PATH_MAX / 2)
		return -ENAMETOOLONG;
	steps = place_count_steps(hidden);
	place->made = calloc(steps, sizeof(*place->made));
	if (!place->made)
		return -ENOMEM;
	for (size_t i = 1; i <= steps; i++) {
		int next;

		place_format_step(tmp_path, hidden, i, path);
		next = place_make_step(place, places, at, strrchr(path, '/') + 1, path);
		if (next < 0)
			return next;
		fd_close(&at);
		at = next;
	}
	return 0;
}

/*
 * If an earlier run as another user has made the directory, the program fails in a way that its
 * user does not understand: say so.
 */
static void place_check_owner(const struct places *places, unsigned int number, int tmp)
{
	uid_t uid = places->identity->uid;
	char path[PATH_MAX];
	struct stat st;

	if (fstat(tmp, &st) < 0 || st.st_uid == uid || st.st_mode & (S_IWGRP | S_IWOTH))
		return;
	places_path(places, number, "tmp", path);
	error_say(0, "copy %u runs as user %u, but %s belongs to user %u (chown -R %u %s)", number,
		  uid, path, st.st_uid, uid, places->plan->places);
}

static int place_make_private(const struct places *places, unsigned int number, int directory)
{
	bool is_fresh;
	AUTO_CLOSE int files = directory_make(directory, "files", &is_fresh);

	if (files < 0)
		return files;
	return is_fresh ? place_greet(places, number, files)
			: place_open_up(places, directory, "files", files, S_IRUSR | S_IXUSR);
}

/*
 * The upper layer of an overlay, and the directory that overlayfs itself needs beside it. What the
 * copy sees of its directory itself is the upper layer's mode; its owner is the copy's user.
 */
static int place_make_upper(const struct places *places, int directory)
{
	AUTO_CLOSE int upper = -1, work = -1;
	struct stat base;
	bool is_fresh;

	work = directory_make(directory, "work", NULL);
	upper = work < 0 ? work : directory_make(directory, "upper", &is_fresh);
	if (upper < 0)
		return upper;
	if (!is_fresh)
		return place_open_up(places, directory, "upper", upper, S_IRWXU);
	if (stat(places->plan->directory, &base) < 0 ||
	    fchmodat(directory, "upper", (base.st_mode & ALLPERMS) | S_IRWXU, 0) < 0)
		return -errno;
	return 0;
}

static int place_make_files(const struct places *places, unsigned int number, int directory)
{
	switch (places->plan->files) {
	case PLAN_PRIVATE:
		return place_make_private(places, number, directory);
	case PLAN_OVERLAY:
		return place_make_upper(places, directory);
	case PLAN_SHARED:
		break;
	}
	return 0;
}

static int place_make_all(struct place *place, const struct places *places, unsigned int number)
{
	AUTO_CLOSE int directory = -1, tmp = -1;
	char name[16];
	int err;

	snprintf(name, sizeof(name), "%u", number);
	directory = directory_make(places->directory, name, NULL);
	if (directory < 0)
		return directory;
	err = place_make_files(places, number, directory);
	if (err)
		return err;
	tmp = directory_make(directory, "tmp", NULL);
	if (tmp < 0)
		return tmp;
	err = place_open_up(places, directory, "tmp", tmp, S_IRWXU);
	if (err)
		return err;
	place_check_owner(places, number, tmp);
	return place_make_way(place, places, number, tmp);
}

int place_make(struct place *place, const struct places *places, unsigned int number)
{
	int borrowed = identity_borrow(places->identity);
	int err, back_err;

	*place = (struct place){0};
	if (borrowed < 0)
		return borrowed;
	err = place_make_all(place, places, number);
	back_err = identity_give_back(borrowed);
	if (back_err)
		return back_err;
	return err ? error_report(err, "%s/%u: cannot make its directories", places->plan->places,
				  number)
		   : 0;
}

void place_leave(struct place *place, const struct places *places, unsigned int number)
{
	const char *hidden = fs_hidden_below_tmp(places->plan->directory);
	char tmp_path[PATH_MAX], path[PATH_MAX];

	places_path(places, number, "tmp", tmp_path);
	for (size_t i = place->made_count; i > 0; i--) {
		if (!place->made[i - 1].offset) /* it was there before */
			continue;
		place_format_step(tmp_path, hidden, i, path);
		if (directory_remove(path) == 0)
			log_retire(places->log, &place->made[i - 1]);
	}
	free(place->made);
	*place = (struct place){0};
}
