/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pty.h - terminals in a copy's own /dev/pts.
 */
#pragma once

#include "copy/identity.h"

/**
 * pty_open() - make a terminal that belongs to the copy's user
 * @ret_master: close-on-exec and non-blocking
 * @ret_slave:  close-on-exec
 *
 * Called in the copy's mount namespace. Return: 0 or -errno, reported.
 */
int pty_open(const struct identity *identity, int *ret_master, int *ret_slave);

/** pty_make_raw() - let output pass at once and unchanged. Return: 0 or -errno, reported. */
int pty_make_raw(int slave);
