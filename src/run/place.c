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
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/error.h"
#include "copy/fs.h"

int places_open(struct places *places)
{
	const struct plan *plan = places->plan;
	AUTO_CLOSE int base = directory_open(AT_FDCWD, plan->directory);

	places->directory = base < 0 ? base
				     : directory_make(base, plan->places, places->identity->uid,
						      places->identity->gid, NULL);
	if (places->directory < 0)
		return error_report(places->directory, "%s/%s: cannot make the directory",
				    plan->directory, plan->places);
	return 0;
}

void places_close(struct places *places)
{
	fd_close(&places->directory);
}

void places_path(const struct places *places, unsigned int number, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/%s/%u%s%s", places->plan->directory, places->plan->places,
		 number, name ? "/" : "", name ? name : "");
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
	if (fchown(fd, places->identity->uid, places->identity->gid) < 0 ||
	    write(fd, text, strlen(text)) < 0)
		return -errno;
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
	struct stat st;
	int err;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		snprintf(record.path, sizeof(record.path), "%s", path);
		err = log_note(places->log, &record, &place->made[place->made_count]);
		if (err)
			return err;
	}
	place->made_count++;
	return directory_make(at, name, places->identity->uid, places->identity->gid, NULL);
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

static int place_make_all(struct place *place, const struct places *places, unsigned int number)
{
	uid_t uid = places->identity->uid;
	gid_t gid = places->identity->gid;
	AUTO_CLOSE int directory = -1, files = -1, tmp = -1;
	char name[16];
	bool is_fresh;
	int err;

	snprintf(name, sizeof(name), "%u", number);
	directory = directory_make(places->directory, name, uid, gid, NULL);
	if (directory < 0)
		return directory;
	files = directory_make(directory, "files", uid, gid, &is_fresh);
	if (files < 0)
		return files;
	err = is_fresh ? place_greet(places, number, files) : 0;
	if (err)
		return err;
	tmp = directory_make(directory, "tmp", uid, gid, NULL);
	if (tmp < 0)
		return tmp;
	place_check_owner(places, number, tmp);
	return place_make_way(place, places, number, tmp);
}

int place_make(struct place *place, const struct places *places, unsigned int number)
{
	int err;

	*place = (struct place){0};
	err = place_make_all(place, places, number);
	return err ? error_report(err, "%s/%s/%u: cannot make its directories",
				  places->plan->directory, places->plan->places, number)
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
