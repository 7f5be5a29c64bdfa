/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * offload.h - large receive offload (LRO), over the ioctl of ethtool(8).
 *
 * LRO joins packets, which must not be forwarded so. The kernel turns it off for good on a link
 * whose IPv4 forwarding is turned on (dev_disable_lro()): it forgets that somebody wanted it.
 */
#pragma once

/**
 * offload_wants_lro() - is LRO turned on, if the link can do it?
 * Return: 1: yes; 0: no, or it cannot be found out; -EINPROGRESS: the link was being renamed at
 * every try.
 */
int offload_wants_lro(unsigned int ifindex);

/**
 * offload_want_lro() - turn LRO on: `ethtool -K LINK lro on`
 *
 * A link that has gone, or cannot do it now, needs nothing. Return: 0; -EINPROGRESS, unreported: as
 * above; or another -errno, reported.
 */
int offload_want_lro(unsigned int ifindex);
