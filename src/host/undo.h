/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo.h - taking back what an undo log names.
 *
 * Undoing is idempotent, and touches nothing that is not known to be ours: a link by the run's
 * random MAC address, an uplink only if no other run of ours needs it and the host is no router by
 * now, a directory only if it is empty. The guard goes only when no uplink is left on.
 */
#pragma once

#include "net/netlink.h"

/**
 * undo_play() - take back everything that the log names, the newest first
 * @log:    readable; the first line is the file's header and is skipped
 * @rundir: of rundir_open() where the caller has it locked already, else -1
 * @netfilter: the NETLINK_NETFILTER socket that owns the guard; or one that is closed, and will be
 *             opened if it is needed. It stays open: closing it can take 20 ms, once.
 *
 * Goes on after a failure. Return: 0, or the first error; each is reported.
 */
int undo_play(int log, int rundir, struct netlink *netfilter);

/**
 * undo_recover() - undo what killed runs have left in this network namespace
 * Return: 0, or the first negative errno; each is reported.
 */
int undo_recover(int rundir);
