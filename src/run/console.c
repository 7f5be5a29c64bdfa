// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * console.c - two streams, and the copies' terminals behind one descriptor.
 */
#include "run/console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	CONSOLE_READ_MAX = 4096,          /* from one copy, before the others get their turn */
	CONSOLE_LAST_READS = 32,          /* a terminal holds 64 KiB (drivers/tty/tty_buffer.c) */
	CONSOLE_MESSAGES_MAX = 256 << 10, /* bytes that wait for standard error */
	CONSOLE_LAST_MS = 25,             /* that a reader has at the end, and how often */
	CONSOLE_LAST_TRIES = 4,
};

static void console_on_message(void *data, const char *line, size_t length)
{
	struct console *console = data;

	if (console->on_message)
		console->on_message(console->data, line, length);
	stream_add(&console->err, line, length);
}

static void console_lose(struct console *console, int err)
{
	if (console->has_lost_out)
		return;
	console->has_lost_out = true;
	loop_forget(console->loop, &console->out_source);
	console->on_lost(console->data, err);
}

/* Writes nothing: console_flush() does, after this turn of the loop. */
static void console_on_out(void *data, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		console_lose(data, -EPIPE);
}

static void console_on_err(void *data, uint32_t events)
{
	struct console *console = data;

	if (events & (EPOLLERR | EPOLLHUP))
		loop_forget(console->loop, &console->err_source);
}

static void console_on_printers(void *data, uint32_t events)
{
	struct console *console = data;

	(void)events;
	loop_poll(&console->printers);
}

/* A regular file cannot be watched (EPERM), and need not be: it takes everything at once. */
static int console_watch_out(struct console *console)
{
	int err = loop_watch(console->loop, &console->out_source, 0);

	if (err && err != -EPERM)
		return error_report(err, "cannot watch the standard output");
	err = loop_watch(console->loop, &console->printers_source, EPOLLIN);
	return err ? error_report(err, "cannot watch the copies' output") : 0;
}

int console_open(struct console *console, struct loop *loop, void (*on_lost)(void *data, int err),
		 void *data)
{
	int err;

	*console = (struct console){
		.loop = loop, .printers = LOOP_NONE, .on_lost = on_lost, .data = data};
	output_open(&console->out, STDOUT_FILENO);
	stream_open(&console->err, STDERR_FILENO, CONSOLE_MESSAGES_MAX);
	stream_open(&console->screen, STDERR_FILENO, CONSOLE_MESSAGES_MAX);
	error_redirect(console_on_message, console);
	err = loop_open(&console->printers);
	if (err)
		return err;
	console->out_source = (struct loop_source){
		.fd = console->out.stream.fd, .on_event = console_on_out, .data = console};
	console->err_source = (struct loop_source){
		.fd = console->err.fd, .on_event = console_on_err, .data = console};
	console->printers_source = (struct loop_source){.fd = loop_descriptor(&console->printers),
							.on_event = console_on_printers,
							.data = console};
	return console_watch_out(console);
}

static void console_flush_out(struct console *console)
{
	int err = output_flush(&console->out);
	bool is_stuck = !output_is_clear(&console->out);

	if (err)
		console_lose(console, err);
	if (is_stuck == console->waits_for_out)
		return;
	console->waits_for_out = is_stuck;
	if (console->out_source.is_watched)
		loop_watch(console->loop, &console->out_source, is_stuck ? EPOLLOUT : 0);
	if (is_stuck)
		loop_forget(console->loop, &console->printers_source);
	else
		loop_watch(console->loop, &console->printers_source, EPOLLIN);
}

static void console_flush_err(struct console *console)
{
	bool is_stuck;

	stream_flush(&console->err);
	is_stuck = !stream_is_clear(&console->err);
	if (is_stuck == console->waits_for_err)
		return;
	console->waits_for_err = is_stuck;
	if (is_stuck)
		loop_watch(console->loop, &console->err_source, EPOLLOUT);
	else
		loop_forget(console->loop, &console->err_source);
}

/* ---- The status ---- */

void console_set_status(struct console *console, const char *text)
{
	snprintf(console->status, sizeof(console->status), "%s", text);
	console->is_status_new = true;
}

static bool console_has_lines(const struct console *console)
{
	return !output_is_clear(&console->out) || !stream_is_clear(&console->err);
}

/* Lines begin where the status was. */
static void console_hide_status(struct console *console)
{
	static const char CLEAR[] = "\r\033[K";

	if (!console->shows_status || (!console->is_status_new && !console_has_lines(console)))
		return;
	stream_add(&console->screen, CLEAR, strlen(CLEAR));
	stream_flush(&console->screen);
	console->shows_status = false;
}

static void console_show_status(struct console *console)
{
	console->is_status_new = false;
	if (console->shows_status || !*console->status || console_has_lines(console))
		return;
	stream_add(&console->screen, console->status, strlen(console->status));
	stream_flush(&console->screen);
	console->shows_status = true;
}

void console_flush(struct console *console)
{
	console_hide_status(console);
	console_flush_out(console);
	console_flush_err(console);
	console_show_status(console);
}

/* A reader that is slow, and not stuck, gets the last lines. */
static void console_flush_last(struct stream *stream)
{
	struct pollfd room = {.fd = stream->fd, .events = POLLOUT};

	stream_flush(stream);
	for (int i = 0; i < CONSOLE_LAST_TRIES && !stream_is_clear(stream); i++)
		if (poll(&room, 1, CONSOLE_LAST_MS) > 0)
			stream_flush(stream);
}

void console_close(struct console *console)
{
	if (!console->loop)
		return;
	error_redirect(NULL, NULL);
	console_set_status(console, "");
	console_hide_status(console);
	console_flush_last(&console->out.stream);
	console_flush_last(&console->err);
	loop_forget(console->loop, &console->out_source);
	loop_forget(console->loop, &console->err_source);
	loop_forget(console->loop, &console->printers_source);
	loop_close(&console->printers);
	output_close(&console->out);
	stream_close(&console->err);
	stream_close(&console->screen);
	console->loop = NULL;
}

/* ---- One copy ---- */

/* Return: true if there may be more to read. */
static bool printer_read(struct printer *printer)
{
	char data[CONSOLE_READ_MAX];
	ssize_t n = read(printer->fd, data, sizeof(data));

	if (n > 0 && printer->journal)
		journal_write(printer->journal, data, (size_t)n);
	if (n > 0)
		output_feed(&printer->console->out, printer->number, &printer->line, data,
			    (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static void printer_on_event(void *data, uint32_t events)
{
	struct printer *printer = data;

	if (printer_read(printer) || !(events & EPOLLHUP))
		return;
	/* The copy has ended, since its init has the terminal open until then; and all is read. */
	printer_close(printer);
}

int printer_open(struct printer *printer, struct console *console, unsigned int number, int fd,
		 struct journal *journal)
{
	int err;

	*printer = (struct printer){
		.console = console,
		.number = number,
		.fd = fd,
		.journal = journal,
		.source = {.fd = fd, .on_event = printer_on_event, .data = printer},
	};
	err = loop_watch(&console->printers, &printer->source, EPOLLIN);
	return err ? error_report(err, "copy %u: cannot watch its output", number) : 0;
}

void printer_close(struct printer *printer)
{
	struct console *console = printer->console;

	if (!console)
		return;
	for (int i = 0; i < CONSOLE_LAST_READS && printer_read(printer); i++)
		output_flush(&console->out);
	output_finish(&console->out, printer->number, &printer->line);
	loop_forget(&console->printers, &printer->source);
	fd_close(&printer->fd);
	printer->console = NULL;
}
