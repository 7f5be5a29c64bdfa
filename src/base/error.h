/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.h - one line on stderr for each problem.
 *
 * The contract of the whole project: a function returns 0 or a negative errno. The layer that knows
 * on which object a call failed reports it, once, with error_report(). All callers above it only
 * pass the number on.
 *
 * In the comments, "Return: 0 or -errno, reported." means that the function has reported the
 * failure; "Return: 0 or -errno." means that the caller has to.
 */
#pragma once

#include <stddef.h>

/**
 * error_report() - say what went wrong, on what, and why
 * @err: negative errno; its text ends the line
 * @fmt: printf format of the object and the action: "bridge uva0: cannot set up"
 *
 * Writes "<program>: <text>: <reason>\n" in one piece. If the reader of stderr is stuck, this waits
 * for it a second at most, and only once per process: a terminal must not keep us from cleaning up.
 * After that, lines that the reader does not take are lost.
 *
 * Return: @err, so that a caller can write `return error_report(err, ...)`.
 */
int error_report(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * error_say() - error_report() without the errno's text, where @fmt already says everything
 * Return: @err.
 */
int error_say(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * error_redirect() - pass the lines to a function instead of writing them to stderr
 * @sink: gets each line with its newline; NULL: write to stderr again
 *
 * For a process that must never wait: it keeps the lines, and writes them when stderr takes them. A
 * child process inherits the setting, so it calls error_redirect(NULL, NULL) first.
 */
void error_redirect(void (*sink)(void *data, const char *line, size_t length), void *data);
