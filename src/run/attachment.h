/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attachment.h - what a copy has of the network: its addresses, its link, and the neighbour entries
 * by which the host knows that the addresses are behind that link.
 */
#pragma once

#include "copy/container.h"
#include "run/network.h"

/** Name of a copy's link inside the copy. */
#define ATTACHMENT_INSIDE "eth0"

/** A member of its owner's structure. All zeros: it has nothing. */
struct attachment {
	struct network *network; /* NULL: it has nothing */
	unsigned int host;       /* number of its addresses in the subnet */
	struct address address;  /* alone on its link: prefix 32 or 128 */
	struct address address6; /* AF_UNSPEC: on a host without IPv6 */
	struct mac mac;          /* of the link's end inside the copy */
	unsigned int link;       /* ifindex of the link's end on the host; 0: it has no link */
	bool is_forwarding;      /* packets pass the link: see attachment_is_forwarding() */
	bool is_leaving;         /* attachment_leave() was called */
	void (*on_gone)(void *data);
	void *data;
	struct loop_timer overdue;
	struct attachment *next; /* in the same bucket of struct network */
};

/**
 * attachment_prepare() - get ready to number the addresses of @network's subnet
 * Return: 0 or -errno, reported.
 */
int attachment_prepare(struct network *network);

/**
 * attachment_open() - take addresses
 * @on_gone: called when the link is gone. After attachment_leave(), everything has been given back;
 *           before it, somebody else has deleted the link.
 *
 * Addresses that were given back are used again as late as possible.
 *
 * Return: 0 or -errno, reported.
 */
int attachment_open(struct attachment *attachment, struct network *network,
		    void (*on_gone)(void *data), void *data);

/**
 * attachment_connect() - make the link
 * @number: the copy's
 * @pid:    a process in the network namespace that gets the other end
 *
 * Return: 0; -ESRCH (unreported): the process has ended; or another -errno, reported.
 */
int attachment_connect(struct attachment *attachment, unsigned int number, pid_t pid);

/**
 * attachment_is_forwarding() - do packets pass the link? Not until a moment after it was set up.
 */
bool attachment_is_forwarding(struct attachment *attachment);

/**
 * attachment_leave() - the copy has ended: give everything back, and then call on_gone
 *
 * The kernel deletes the link together with the copy's network namespace, when nobody holds the
 * namespace any more. The addresses are free only then. If the link is still there after some time,
 * it is deleted here.
 */
void attachment_leave(struct attachment *attachment);

/** attachment_close() - give the addresses back, even if the link still exists. Safe to repeat. */
void attachment_close(struct attachment *attachment);

/** attachment_way() - its address, and the way from there; AF_UNSPEC: none in this family. */
struct container_way attachment_way(const struct attachment *attachment, sa_family_t family);

/* ---- For network.c, which hears the news of links ---- */

/** attachment_find() - whose link is this? Return: NULL if it belongs to no copy. */
struct attachment *attachment_find(const struct network *network, unsigned int link);

/** attachment_on_gone() - the link of this attachment is gone. */
void attachment_on_gone(struct attachment *attachment);

/** attachment_look_for_links() - news was lost: find the links that are gone. */
void attachment_look_for_links(struct network *network);
