/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec.h - what the client and the manager agree upon for `portmux exec`, beyond lines of JSON.
 *
 * Request:
 *	{"command":"exec", "copy":1, "argv":["sh"], "terminal":true, "rows":24, "columns":80,
 *	 "variable":"TERM=xterm"}
 * where "terminal" to "variable" may be left out. Answer: EXEC_BEGUN with descriptors; and when the
 * program has ended, {"status":0}.
 *
 * The descriptors, with a terminal the first two, else all four:
 *	the door (struct visit)
 *	to read what goes wrong before the program runs, and then its standard error
 *	to write its standard input
 *	to read its standard output
 */
#pragma once

#define EXEC_BEGUN "{\"begun\":true}\n"

enum { EXEC_TERMINAL_FDS = 2, EXEC_PIPES_FDS = 4 };
