/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remembered.h - which host ports the copies got that asked for free ones: a text file in the state
 * directory. The next run of the same name gets the same ones.
 *
 * The file belongs to the caller, who can write anything into it. One that is not as we write it is
 * worth as much as none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "copy/identity.h"
#include "net/address.h"

/** Line of the file: "1 127.0.0.1 3000 tcp 40123"; "*" instead of an address: all of the host's. */
struct remembered_port {
	unsigned int copy;
	uint8_t protocol;       /* IPPROTO_TCP, IPPROTO_UDP */
	struct address address; /* AF_UNSPEC: all of the host's */
	uint16_t port;          /* of the copy */
	uint16_t host_port;     /* 0: none yet */
	bool is_taken;          /* remembered_take() has returned it */
};

struct remembered {
	struct remembered_port *ports; /* @count of them; owned */
	size_t count;
};

/**
 * remembered_read() - read the file of a state directory, as its user
 * @ret: empty if there is no such file, or it cannot be used. Free it with remembered_free().
 *
 * No link is followed. Return: 0 or -errno, reported: the identity cannot be changed back.
 */
int remembered_read(struct remembered *ret, const char *state, const struct identity *caller);

/**
 * remembered_parse() - the same from a text. Pure.
 * Return: 0; -EINVAL: it is not as we write it; -ENOMEM. Then @ret is empty.
 */
int remembered_parse(struct remembered *ret, const char *text);

/**
 * remembered_take() - find a port, or add it, if all that are like it have been taken
 * @like: all but its host port
 *
 * Return: the port, valid until the next call; NULL: no memory.
 */
struct remembered_port *remembered_take(struct remembered *remembered,
					const struct remembered_port *like);

/** remembered_write() - write the file anew, as its user. Return: 0 or -errno, reported. */
int remembered_write(const struct remembered *remembered, const char *state,
		     const struct identity *caller);

/** remembered_free() - free the ports. Safe on zeros. */
void remembered_free(struct remembered *remembered);
