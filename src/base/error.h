/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.h - one line on stderr for each problem.
 *
 * The contract of the whole project: a function returns 0 or a negative errno. The layer that
 * knows the object a call failed on reports it, once, with error_report(); everyone above only
 * passes the number on.
 */
#pragma once

#include <stddef.h>

/**
 * error_report() - say what went wrong, on what, and why
 * @err: negative errno; its text ends the line
 * @fmt: printf format of the thing and the action: "bridge uva0: cannot set up"
 *
 * Writes "<program>: <text>: <reason>\n" in one piece. A process waits a second at most, once in
 * its life, for a reader of stderr that is stuck, so that a terminal cannot keep us from cleaning
 * up; what does not fit then is lost.
 *
 * Return: @err, so that a caller can write `return error_report(err, ...)`.
 */
int error_report(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * error_say() - error_report() where the text tells all: the errno's text is left out
 * Return: @err.
 */
int error_say(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * error_redirect() - hand the lines to a function instead of writing them to stderr
 * @sink: gets each line with its newline; NULL: write to stderr, as at first
 *
 * A process that must never wait keeps them and writes them when stderr takes them. It is for this
 * process alone: a child calls error_redirect(NULL, NULL) before all else.
 */
void error_redirect(void (*sink)(void *data, const char *line, size_t length), void *data);
