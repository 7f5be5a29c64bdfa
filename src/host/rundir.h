/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rundir.h - /run/uva_container/: one undo log for each run that is under way.
 *
 * A log is locked (flock) as long as its run lives; one that nobody locks belongs to a run that was
 * killed together with its guardian. Its name is that of the network namespace and the run's index
 * in it. Nothing in the directory is trusted that root did not write.
 */
#pragma once

/**
 * rundir_open() - make the directory where it does not exist, open it and lock it
 *
 * The lock makes starts take turns: it is held from the choice of an index until the names and
 * addresses that follow from it are taken. It goes with the descriptor.
 *
 * Return: a descriptor or a negative errno, which is reported.
 */
int rundir_open(void);

/** rundir_recover() - undo what killed runs have left in this network namespace. */
void rundir_recover(int rundir);

/**
 * rundir_claim() - create and lock the log of run @index of this network namespace
 * Return: its descriptor, or a negative errno, which is reported. -EEXIST (unreported): taken.
 */
int rundir_claim(int rundir, unsigned int index);

/** rundir_release() - remove the log of run @index, and the directory if that was the last. */
void rundir_release(unsigned int index);
