/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forwarding.h - whether one link forwards what comes in by it. A link is known by its index: its
 * parameter follows it under every name.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/**
 * forwarding_read() - does the link forward?
 *
 * Return: 0; -ENOENT: there is no such link, or it has no such parameter; -EINPROGRESS: the link is
 * there, but was being renamed at every try; or another -errno. That one is reported, the others
 * are not.
 */
int forwarding_read(sa_family_t family, unsigned int ifindex, bool *ret_is_on);

/**
 * forwarding_write() - have the link forward (@value "1"), or not ("0")
 * Return: 0, also if there is no such link or parameter; -EINPROGRESS or another -errno as above.
 */
int forwarding_write(sa_family_t family, unsigned int ifindex, const char *value);
