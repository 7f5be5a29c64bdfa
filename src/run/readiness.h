/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readiness.h - listens to what a program says of itself: sd_notify(3).
 *
 * READY=1 and STOPPING=1 are heeded, all else is not. A program that says much is heard more slowly
 * than it says it: then it is the program that waits, not we.
 */
#pragma once

#include "base/loop.h"

/** A member of its owner's structure. */
struct readiness {
	struct loop *loop;
	/* It has said that it is ready, or that it stops. */
	void (*on_said)(void *data, bool is_ready);
	void *data;
	struct loop_source source;
	struct loop_timer pause;
};

/** readiness_open() - get ready. The callback, its data and @loop are given, the rest is zero. */
void readiness_open(struct readiness *readiness);

/**
 * readiness_hear() - begin to listen
 * @fd: a datagram socket, non-blocking, to be closed by readiness_close()
 *
 * Return: 0 or -errno.
 */
int readiness_hear(struct readiness *readiness, int fd);

/** readiness_close() - listen no more. Safe to repeat. */
void readiness_close(struct readiness *readiness);

/**
 * readiness_parse() - what a message says
 * @text: its lines, @length bytes
 *
 * Return: 1: it is ready; 0: it stops; -1: neither.
 */
int readiness_parse(const char *text, size_t length);
