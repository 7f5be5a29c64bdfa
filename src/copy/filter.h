/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - the system calls that a copy may not make (seccomp, man 2 seccomp).
 *
 * A copy has no capability and cannot get one, so the kernel would refuse most of these calls
 * anyway. The filter also keeps a copy away from kernel code that a service program does not need:
 * most of the kernel's privilege escalations have been found there.
 */
#pragma once

/**
 * filter_install() - from now on filter the calling process and what it executes
 *
 * no_new_privs must be set. Return: 0 or -errno, reported.
 */
int filter_install(void);
