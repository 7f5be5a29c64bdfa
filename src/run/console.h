/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console.h - standard output and standard error: what the copies print, and what the run says.
 * Nothing here waits for either of them.
 *
 * While the reader of the standard output is slow, nothing is read from the copies. Then they wait,
 * as on a terminal that is stopped, and the memory used here stays small. Messages for the standard
 * error wait here up to a limit; beyond it they are lost.
 */
#pragma once

#include "base/loop.h"
#include "run/journal.h"
#include "run/output.h"

enum { CONSOLE_STATUS_MAX = 80 };

struct console {
	struct loop *loop; /* NULL while closed */
	struct output out;
	struct stream err, screen;       /* @screen: standard error, for @status only */
	char status[CONSOLE_STATUS_MAX]; /* shown below all lines; "": none */
	bool is_status_new, shows_status;
	struct loop_source out_source, err_source;
	struct loop printers; /* the copies' terminals: all of them are watched, or none */
	struct loop_source printers_source;
	bool waits_for_out, waits_for_err; /* the reader is slow */
	bool has_lost_out;
	void (*on_lost)(void *data, int err);
	void (*on_message)(void *data, const char *line, size_t length); /* NULL, or told, too */
	void *data;
};

/** What a copy prints. A member of its owner's structure. */
struct printer {
	struct console *console; /* NULL while closed */
	unsigned int number;     /* of the copy */
	int fd;                  /* a pty's master, non-blocking; owned */
	struct journal *journal; /* NULL: what is printed is kept nowhere */
	struct output_line line;
	struct loop_source source;
};

/**
 * console_open() - take over standard output and standard error (error_redirect())
 * @on_lost: called when nothing can be written to the standard output any more. @err: -EPIPE: its
 *           reader is gone; or another -errno.
 *
 * Call console_close() in any case.
 *
 * Return: 0 or -errno, reported.
 */
int console_open(struct console *console, struct loop *loop, void (*on_lost)(void *data, int err),
		 void *data);

/** console_close() - write what standard error takes within a moment; close. Safe to repeat. */
void console_close(struct console *console);

/**
 * console_set_status() - show a text below all lines, in place of the one before; "": none
 *
 * For a standard error that is a terminal. The text is taken away while lines are written.
 */
void console_set_status(struct console *console, const char *text);

/** console_flush() - write what is waiting. Call it after every turn of the loop. */
void console_flush(struct console *console);

/**
 * printer_open() - show what copy @number prints on @fd, owned
 * @journal: also keep it there; may be NULL
 *
 * Return: 0 or -errno, reported.
 */
int printer_open(struct printer *printer, struct console *console, unsigned int number, int fd,
		 struct journal *journal);

/** printer_close() - show the rest of what was printed; close. Safe to repeat, and on zeros. */
void printer_close(struct printer *printer);
