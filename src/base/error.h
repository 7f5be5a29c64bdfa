/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.h - one line on stderr for each problem.
 *
 * The contract of the whole project: a function returns 0 or a negative errno. The layer that
 * knows the object a call failed on reports it, once, with error_report(); everyone above only
 * passes the number on.
 */
#pragma once

/**
 * error_report() - say what went wrong, on what, and why
 * @err: negative errno; its text ends the line
 * @fmt: printf format of the thing and the action: "bridge uva0: cannot set up"
 *
 * Writes "<program>: <text>: <reason>\n" in one piece. Never blocks for longer than a second, so
 * that a stuck terminal cannot keep us from cleaning up; what does not fit then is lost.
 *
 * Return: @err, so that a caller can write `return error_report(err, ...)`.
 */
int error_report(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * error_say() - error_report() where the text tells all: the errno's text is left out
 * Return: @err.
 */
int error_say(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
