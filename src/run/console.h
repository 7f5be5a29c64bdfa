/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console.h - what the run says and what its copies print: standard output and standard error,
 * neither of which is ever waited for.
 *
 * While the reader of the standard output does not take what there is, the copies are not read
 * either: they wait, as they would on a terminal that is stopped, and nothing piles up here.
 * Messages on the standard error wait up to a limit; beyond it they are lost.
 */
#pragma once

#include "base/loop.h"
#include "run/output.h"

struct console {
	struct loop *loop; /* NULL while closed */
	struct output out;
	struct stream err;
	struct loop_source out_source, err_source;
	struct loop printers; /* the copies' terminals: watched, or not, as one */
	struct loop_source printers_source;
	bool waits_for_out, waits_for_err; /* until they take more */
	bool has_lost_out;
	void (*on_lost)(void *data, int err);
	void *data;
};

/** What a copy prints. A member of its owner's structure. */
struct printer {
	struct console *console; /* NULL while closed */
	unsigned int number;     /* of the copy */
	int fd;                  /* a pty's master, non-blocking; owned */
	struct output_line line;
	struct loop_source source;
};

/**
 * console_open() - take over standard output and standard error (error_redirect())
 * @on_lost: the standard output takes nothing any more; @err: -EPIPE, its reader is gone; or why
 *           writing failed
 *
 * Return: 0 or -errno, reported. console_close() in any case.
 */
int console_open(struct console *console, struct loop *loop, void (*on_lost)(void *data, int err),
		 void *data);

/** console_close() - write what standard error takes within a moment. Safe to repeat. */
void console_close(struct console *console);

/** console_flush() - write what there is: to be called after every turn of the loop. */
void console_flush(struct console *console);

/** printer_open() - show what copy @number prints on @fd, owned. Return: 0 or -errno, reported. */
int printer_open(struct printer *printer, struct console *console, unsigned int number, int fd);

/** printer_close() - show the last of it. Safe to repeat, and on zeros. */
void printer_close(struct printer *printer);
