/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.h - the user's terminal, while a program in a copy has one of its own: what is typed
 * goes there as it is.
 */
#pragma once

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

struct terminal {
	bool is_raw;
	struct termios before;
};

/** terminal_is_there() - are standard input and output a terminal? */
bool terminal_is_there(void);

/** terminal_size() - how large it is. */
struct winsize terminal_size(void);

/** terminal_make_raw() - pass on what is typed, unchanged and at once. May be repeated. */
void terminal_make_raw(struct terminal *terminal);

/** terminal_restore() - put it back as it was before. Safe to repeat, and on zeros. */
void terminal_restore(struct terminal *terminal);
