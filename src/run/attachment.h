/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attachment.h - what a copy has of the network: its addresses, its link, and the entries by which
 * the host knows that it is behind that link.
 */
#pragma once

#include "run/network.h"

/** Name of a copy's link, inside. */
#define ATTACHMENT_INSIDE "eth0"

/** A member of its owner's structure; all zeros: it has nothing. */
struct attachment {
	struct network *network; /* NULL: it has nothing */
	unsigned int host;       /* number of its addresses in the subnet */
	struct address address;  /* alone on its link: prefix 32 or 128 */
	struct address address6; /* AF_UNSPEC: on a host without IPv6 */
	struct mac mac;          /* of its link's end inside */
	unsigned int link;       /* ifindex of its link's end on the host; 0: it has none */
	bool is_forwarding;      /* packets pass: see attachment_is_forwarding() */
	bool is_leaving;         /* attachment_leave() was called */
	void (*on_gone)(void *data);
	void *data;
	struct loop_timer overdue;
	struct attachment *next; /* in the same bucket of struct network */
};

/** attachment_prepare() - get ready to number addresses of @network's subnet. Return: 0 or -errno,
 * reported. */
int attachment_prepare(struct network *network);

/**
 * attachment_open() - take addresses
 * @on_gone: called when the link has gone: after attachment_leave() it has given everything back;
 *           before that, somebody else has deleted it
 *
 * Addresses that were given back are used again as late as possible.
 *
 * Return: 0 or -errno, reported.
 */
int attachment_open(struct attachment *attachment, struct network *network,
		    void (*on_gone)(void *data), void *data);

/**
 * attachment_connect() - make the link
 * @number: of the copy
 * @pid:    a process in the namespace that gets the other end
 *
 * Return: 0 or -errno, reported.
 */
int attachment_connect(struct attachment *attachment, unsigned int number, pid_t pid);

/** attachment_is_forwarding() - do packets pass by the link yet? A moment after it is set up they
 * do.
 */
bool attachment_is_forwarding(struct attachment *attachment);

/**
 * attachment_leave() - the copy has ended: give everything back, and call on_gone
 *
 * The link goes with its network namespace, which the kernel takes apart when nobody holds it any
 * more; only then the addresses are free. A link that does not go by itself is deleted.
 */
void attachment_leave(struct attachment *attachment);

/** attachment_close() - give the addresses back, whatever becomes of the link. Safe to repeat. */
void attachment_close(struct attachment *attachment);

/** attachment_gateway() - the copies' way out; AF_UNSPEC where there is none in this family. */
struct address attachment_gateway(const struct network *network, sa_family_t family);

/* ---- For network.c, which hears the news of links ---- */

/** attachment_find() - whose link is it? Return: NULL: nobody's. */
struct attachment *attachment_find(const struct network *network, unsigned int link);

/** attachment_on_gone() - its link has gone. */
void attachment_on_gone(struct attachment *attachment);

/** attachment_look_for_links() - some news was lost: whose links have gone? */
void attachment_look_for_links(struct network *network);
