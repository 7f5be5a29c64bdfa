/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rundir.h - /run/uva_container/: one undo log for each run that is under way.
 *
 * As long as a run lives, its log is locked (flock). If nobody locks a log, its run was killed
 * together with its guardian. The name of a log, such as "4097.0", is made of the number of the
 * network namespace (SO_NETNS_COOKIE) and the run's index in it. Only what root wrote into the
 * directory is trusted. Only root can open anything in it, because who can open a file can lock it.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "host/record.h"

#define RUNDIR "/run/uva_container"

/** Runs of one network namespace have an index below this one. */
enum { RUNDIR_INDEX_MAX = 90 };

/**
 * rundir_use() - have the directory in another one than /run
 * @parent: a directory that nobody else sees; it stays open as long as this process and its
 *          children need it
 */
void rundir_use(int parent);

/** rundir_descriptor() - what rundir_use() was given; a negative number: nothing. */
int rundir_descriptor(void);

/**
 * rundir_open() - make the directory if it does not exist, open it and lock it
 * @gone: a descriptor that becomes readable when the caller need not wait any more; -1: none
 *
 * The lock makes starts take turns: a start holds it from the choice of its index until it has
 * taken the names and addresses that follow from the index. The lock goes with the descriptor. This
 * waits for the lock for some seconds.
 *
 * Return: a descriptor or -errno, reported. -ECANCELED (unreported): @gone became readable.
 */
int rundir_open(int gone);

/**
 * rundir_try_open() - the same, without waiting
 * Return: a descriptor or -errno, reported. -EAGAIN (unreported): another start has the lock.
 */
int rundir_try_open(void);

/**
 * rundir_list() - begin to go through the logs
 * Return: a directory, to be closed by closedir(); or NULL, reported.
 */
DIR *rundir_list(int rundir);

/**
 * rundir_next_log() - the next log of this network namespace
 * @name: NAME_MAX + 1 bytes
 *
 * Return: 0; -ENOENT: there is none left; or another -errno, reported.
 */
int rundir_next_log(DIR *logs, char *name);

/**
 * rundir_open_log() - open a log, if root wrote it
 * @ret_is_alive: its run lives; if not, the log is now locked for the caller
 *
 * Return: a descriptor or -errno. -EPERM, -EBADMSG: it is not such a log; -ENOENT: it has just been
 * removed.
 */
int rundir_open_log(int rundir, const char *name, bool *ret_is_alive);

/**
 * rundir_find_link() - has another living run such a record: RECORD_UPLINK, RECORD_LRO?
 * @own_log: of the run that asks
 *
 * Return: 1: yes; 0; or -errno, reported.
 */
int rundir_find_link(int rundir, int own_log, const struct record *wanted);

/**
 * rundir_claim() - create and lock the log of run @index of this network namespace
 * Return: its descriptor or -errno, reported. -EEXIST (unreported): the index is taken.
 */
int rundir_claim(int rundir, unsigned int index);

/** rundir_has_log() - is there a log of run @index? If that cannot be found out: yes. */
bool rundir_has_log(int rundir, unsigned int index);

/**
 * rundir_release() - remove the log of run @index, and the directory if that was the last log
 * Return: 0 or -errno, reported.
 */
int rundir_release(unsigned int index);

/**
 * rundir_remove() - remove the directory if it is ours and empty, and if no other run is starting
 * Return: 0 or -errno, reported.
 */
int rundir_remove(void);
