/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rundir.h - /run/uva_container/: one undo log for each run that is under way.
 *
 * A log is locked (flock) as long as its run lives; one that nobody locks belongs to a run that was
 * killed together with its guardian. Its name is that of the network namespace (SO_NETNS_COOKIE)
 * and the run's index in it. Nothing in the directory is trusted that root did not write, and
 * nobody else can open anything in it: who can open a file can lock it.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <sys/socket.h>

#define RUNDIR "/run/uva_container"

/** Runs of one network namespace have an index below this one. */
enum { RUNDIR_INDEX_MAX = 90 };

/**
 * rundir_open() - make the directory where it does not exist, open it and lock it
 * @gone: a descriptor that becomes readable when waiting has no purpose any more; -1: none
 *
 * The lock makes starts take turns: it is held from the choice of an index until the names and
 * addresses that follow from it are taken. It goes with the descriptor. Waits some seconds for it.
 *
 * Return: a descriptor or -errno, reported. -ECANCELED (unreported): @gone became readable.
 */
int rundir_open(int gone);

/**
 * rundir_try_open() - the same, without waiting
 * Return: a descriptor or -errno, reported. -EAGAIN (unreported): somebody else has the lock.
 */
int rundir_try_open(void);

/** rundir_list() - begin to go through the logs. Return: to be closed by closedir(); NULL:
 * reported. */
DIR *rundir_list(int rundir);

/**
 * rundir_next_log() - the next log of this network namespace
 * @name: NAME_MAX + 1 bytes
 *
 * Return: 0, or a negative errno where there is none left.
 */
int rundir_next_log(DIR *logs, char *name);

/**
 * rundir_open_log() - open a log, if it is one that root wrote
 * @ret_alive: whether its run lives; if not, the log is locked for the caller now
 *
 * Return: a descriptor or a negative errno, not reported: -EPERM, -EBADMSG where it is no such log,
 * -ENOENT where it has just been removed.
 */
int rundir_open_log(int rundir, const char *name, bool *ret_alive);

/**
 * rundir_is_sure() - does the name of a log tell its network namespace for sure?
 *
 * Before Linux 5.14 it has the number of an inode, which a later namespace can have, too.
 */
bool rundir_is_sure(void);

/**
 * rundir_find_uplink() - has another living run turned this link on?
 * @own_log: of the run that asks
 */
bool rundir_find_uplink(int rundir, int own_log, sa_family_t family, unsigned int ifindex);

/**
 * rundir_claim() - create and lock the log of run @index of this network namespace
 * Return: its descriptor, or a negative errno, which is reported. -EEXIST (unreported): taken.
 */
int rundir_claim(int rundir, unsigned int index);

/**
 * rundir_release() - remove the log of run @index, and the directory if that was the last
 * Return: 0 or a negative errno, which is reported.
 */
int rundir_release(unsigned int index);

/**
 * rundir_remove() - remove the directory if it is ours and empty, and nobody is just starting
 * Return: 0, or a negative errno, which is reported.
 */
int rundir_remove(void);
