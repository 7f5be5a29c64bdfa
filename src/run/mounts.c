// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mounts.c - compares the host's mounts with those in the view, and drops from the view what has
 * gone. Why it is done so: copy/view.h.
 */
#include "run/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"

enum {
	MOUNTS_TRIES = 10,     /* to make the view while nobody mounts anything */
	MOUNTS_LAST_MS = 1000, /* that a child has at the end */
};

/* Takes what the view hides out of @host. Return: its paths, @ret_count of them; NULL: no memory.
 */
static char **mounts_split(struct mountinfo *host, size_t *ret_count)
{
	char **hidden = calloc(host->count + 1, sizeof(*hidden));
	size_t i = 0;

	*ret_count = 0;
	while (hidden && i < host->count) {
		struct mountinfo_entry *entry = &host->entries[i];

		if (!view_hides(entry->path)) {
			i++;
			continue;
		}
		hidden[(*ret_count)++] = entry->path;
		entry->path = NULL;
		mountinfo_remove(host, i);
	}
	return hidden;
}

/* Begins to make a view of the mounts that there are now, and lists them. */
static int mounts_begin_view(struct mounts *mounts)
{
	char **hidden;
	size_t count;
	int err = mountinfo_read(&mounts->in_view);

	if (err)
		return error_report(err, "cannot list the host's mounts");
	hidden = mounts_split(&mounts->in_view, &count);
	err = hidden ? view_begin(&mounts->making, hidden, count)
		     : error_report(-ENOMEM, "cannot list the host's mounts");
	for (size_t i = 0; hidden && i < count; i++)
		free(hidden[i]);
	free(hidden);
	return err;
}

/* Is all of @host, which view_hides() nothing of, still mounted, and nothing else? */
static int mounts_are_the_same(const struct mountinfo *host)
{
	struct mountinfo now;
	size_t count = 0;
	bool are_same = true;
	int err = mountinfo_read(&now);

	if (err)
		return error_report(err, "cannot list the host's mounts");
	for (size_t i = 0; i < now.count; i++) {
		if (view_hides(now.entries[i].path))
			continue;
		count++;
		are_same = are_same && mountinfo_has(host, now.entries[i].key);
	}
	mountinfo_free(&now);
	return are_same && count == host->count;
}

/* Waits for a view of exactly the mounts that are in the list. Return: it, or -errno, reported. */
static int mounts_finish_view(struct mounts *mounts)
{
	for (int i = 1;; i++) {
		AUTO_CLOSE int view = view_finish(&mounts->making);
		int err = view < 0 ? view : mounts_are_the_same(&mounts->in_view);

		if (err < 0)
			return err;
		if (err || i == MOUNTS_TRIES)
			return fd_steal(&view);
		mountinfo_free(&mounts->in_view);
		err = mounts_begin_view(mounts);
		if (err)
			return err;
	}
}

/* ---- What has gone ---- */

/* Is something else in the view at the same path? Only the upper one can be reached there. */
static bool mounts_is_covered(const struct mounts *mounts, size_t index)
{
	const struct mountinfo_entry *entries = mounts->in_view.entries;

	for (size_t i = index + 1; i < mounts->in_view.count; i++)
		if (strcmp(entries[i].path, entries[index].path) == 0)
			return true;
	return false;
}

/* Drops what has gone. From the last to the first: what lies on another one comes after it. */
static int mounts_drop(struct mounts *mounts, const struct mountinfo *now)
{
	struct mountinfo *in_view = &mounts->in_view;
	char **paths = calloc(in_view->count + 1, sizeof(*paths));
	size_t count = 0;
	int pidfd = -1;

	if (!paths)
		return error_report(-ENOMEM, "cannot unmount for the copies");
	for (size_t i = in_view->count; i > 0; i--) {
		struct mountinfo_entry *entry = &in_view->entries[i - 1];

		if (mountinfo_has(now, entry->key) || mounts_is_covered(mounts, i - 1))
			continue;
		paths[count++] = entry->path;
		entry->path = NULL;
		mountinfo_remove(in_view, i - 1);
	}
	if (count)
		pidfd = view_drop(mounts->view, paths, count);
	while (count)
		free(paths[--count]);
	free(paths);
	return pidfd;
}

static void mounts_follow(struct mounts *mounts)
{
	struct mountinfo now;
	int err;

	mounts->is_due = mounts->child.fd >= 0;
	if (mounts->is_due)
		return;
	err = mountinfo_read(&now);
	if (err) {
		error_report(err, "cannot list the host's mounts");
		return;
	}
	mounts->child.fd = mounts_drop(mounts, &now);
	mountinfo_free(&now);
	if (mounts->child.fd < 0) {
		mounts->child.fd = -1;
		return;
	}
	err = loop_watch(mounts->loop, &mounts->child, EPOLLIN);
	if (err)
		error_report(err, "cannot watch the child that unmounts for the copies");
}

static void mounts_on_news(void *data, uint32_t events)
{
	(void)events;
	mounts_follow(data);
}

static void mounts_bury_child(struct mounts *mounts)
{
	if (mounts->child.fd < 0)
		return;
	loop_forget(mounts->loop, &mounts->child);
	process_wait(mounts->child.fd, MOUNTS_LAST_MS, NULL);
	fd_close(&mounts->child.fd);
}

static void mounts_on_child(void *data, uint32_t events)
{
	struct mounts *mounts = data;

	(void)events;
	mounts_bury_child(mounts);
	if (mounts->is_due)
		mounts_follow(mounts);
}

/* ---- */

int mounts_begin(struct mounts *mounts, struct loop *loop)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	*mounts = (struct mounts){
		.loop = loop,
		.making = VIEW_NONE,
		.view = -1,
		.news = {.fd = fd, .on_event = mounts_on_news, .data = mounts},
		.child = {.fd = -1, .on_event = mounts_on_child, .data = mounts},
	};
	if (fd < 0)
		return error_report(-errno, "cannot open /proc/self/mountinfo");
	return mounts_begin_view(mounts);
}

int mounts_finish(struct mounts *mounts, struct container_slots *slots)
{
	int view = mounts_finish_view(mounts);
	int err;

	if (view < 0)
		return view;
	mounts->view = container_slots_keep(slots, view);
	if (mounts->view < 0) {
		close(view);
		return error_report(mounts->view, "cannot keep the copies' mounts");
	}
	/*
	 * It is always readable; that something has changed, since it was opened, is an error or an
	 * urgent message.
	 */
	err = loop_watch(mounts->loop, &mounts->news, EPOLLPRI);
	return err ? error_report(err, "cannot watch the host's mounts") : 0;
}

void mounts_close(struct mounts *mounts)
{
	if (!mounts->loop)
		return;
	view_abandon(&mounts->making);
	mounts_bury_child(mounts);
	loop_forget(mounts->loop, &mounts->news);
	fd_close(&mounts->news.fd);
	mountinfo_free(&mounts->in_view);
	mounts->loop = NULL;
}
