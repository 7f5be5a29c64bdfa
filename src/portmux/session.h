/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - a program in a copy and its user: the user's terminal or standard streams, and
 * signals, from here to there and back, until the program has ended.
 */
#pragma once

#include <stdbool.h>

#include "portmux/relay.h"
#include "portmux/terminal.h"

enum { SESSION_INPUT, SESSION_OUTPUT, SESSION_MESSAGES, SESSION_RELAYS };

struct session {
	int door;    /* to the program (struct visit); owned */
	int signals; /* a signalfd; owned */
	bool awaits_terminal;
	struct terminal terminal;
	struct relay relays[SESSION_RELAYS];
	int left_by; /* a signal after which we leave; 0: none */
	bool is_over;
};

/** No session. Start with this value: session_close() is then always safe. */
#define SESSION_NONE       \
	((struct session){ \
		.door = -1, .signals = -1, .relays = {RELAY_NONE, RELAY_NONE, RELAY_NONE}})

/**
 * session_open() - begin
 * @fds: from the manager (exec.h), taken over in any case
 *
 * Return: 0 or -errno, reported. Call session_close() in any case.
 */
int session_open(struct session *session, const int *fds, bool has_terminal);

/**
 * session_run() - carry on, until the program has ended
 * @control: becomes readable when the program has ended
 * @on_answer: called then, when the terminal is as before
 *
 * Return: 0; or the number of a signal for which we leave, and the program is left alone.
 */
int session_run(struct session *session, int control, void (*on_answer)(void *data), void *data);

/** session_close() - give everything back. The terminal is as before. */
void session_close(struct session *session);
