/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl.h - kernel parameters, by their path below /proc/sys.
 */
#pragma once

#include <stddef.h>

/** Room for any value that we read or write. */
enum { SYSCTL_VALUE_MAX = 64 };

/**
 * sysctl_read() - read a parameter, without its newline
 * @path: such as "net/ipv4/conf/uva0/route_localnet"
 * @value: SYSCTL_VALUE_MAX bytes
 *
 * Return: 0 or -errno.
 */
int sysctl_read(const char *path, char *value);

/** sysctl_write() - write a parameter. Return: 0 or -errno. */
int sysctl_write(const char *path, const char *value);

/**
 * sysctl_write_link() - write a parameter of one link: "net/FAMILY/conf/LINK/NAME"
 * @family: "ipv4" or "ipv6". Without IPv6 a host has no such parameter: that is no error.
 *
 * Return: 0 or -errno, reported.
 */
int sysctl_write_link(const char *family, const char *link, const char *name, const char *value);
