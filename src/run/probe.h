/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - asks a server once whether it is well: by a connection, or by a request of HTTP.
 *
 * Nothing here waits, and however much a server sends, little of it is read and less is kept.
 */
#pragma once

#include "base/loop.h"
#include "net/address.h"

struct probe_target {
	struct address address;  /* of the server */
	struct address address6; /* asked if the first refuses the connection; AF_UNSPEC: none */
	uint16_t port;
	const char *path; /* of the request; NULL: that it takes a connection is enough */
	unsigned int timeout_ms;
};

enum { PROBE_STATUS_SIZE = sizeof("HTTP/1.1 200 ") - 1 };

/** A member of its owner's structure. */
struct probe {
	struct loop *loop;
	/* @why: what is wrong; NULL: nothing. The probe may be begun again, or closed. */
	void (*on_result)(void *data, const char *why);
	void *data;
	struct probe_target target;
	enum probe_phase {
		PROBE_IDLE,
		PROBE_CONNECTING,
		PROBE_READING, /* the first line of the answer */
		PROBE_LEAVING, /* all is known, but the server still sends */
	} phase;
	struct loop_source source;
	struct loop_timer deadline;
	char status[PROBE_STATUS_SIZE]; /* the beginning of the answer */
	size_t status_length;
	size_t left; /* bytes that are read before the connection is closed all the same */
};

/** probe_open() - get ready. @loop, @on_result and @data are given in @probe, the rest is zero. */
void probe_open(struct probe *probe);

/**
 * probe_begin() - ask; on_result() tells the answer, once
 *
 * An earlier request is given up, and its result is not told.
 *
 * Return: 0; or -errno: it cannot be asked, for a reason that is not the server's.
 */
int probe_begin(struct probe *probe, const struct probe_target *target);

/** probe_close() - give up what has been begun, untold. Safe to repeat. */
void probe_close(struct probe *probe);
