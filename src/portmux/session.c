// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * session.c - one loop over the manager's answer, signals, and up to three relays.
 *
 * While the user's terminal is raw, nothing is written there but what comes from the program's: our
 * own lines would not begin where lines begin.
 */
#include "portmux/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "portmux/exec.h"

/* SIGHUP: our terminal has gone, so we go, too. The others are the program's. */
static const int SIGNALS[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM,
			      SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

enum {
	SESSION_CONTROL,
	SESSION_SIGNALS,
	SESSION_DOOR,
	SESSION_FIRST_RELAY, /* two entries for each */
	SESSION_EVENTS = SESSION_FIRST_RELAY + 2 * SESSION_RELAYS,
};

static int session_watch_signals(struct session *session)
{
	sigset_t watched;

	sigemptyset(&watched);
	for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++)
		sigaddset(&watched, SIGNALS[i]);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	signal(SIGPIPE, SIG_IGN);
	session->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return session->signals < 0 ? error_report(-errno, "cannot watch signals") : 0;
}

int session_open(struct session *session, const int *fds, bool has_terminal)
{
	*session = SESSION_NONE;
	session->door = fds[0];
	session->awaits_terminal = has_terminal;
	relay_to_ours(&session->relays[SESSION_MESSAGES], fds[1], STDERR_FILENO);
	if (!has_terminal) {
		relay_from_ours(&session->relays[SESSION_INPUT], STDIN_FILENO, fds[2]);
		relay_to_ours(&session->relays[SESSION_OUTPUT], fds[3], STDOUT_FILENO);
	}
	return session_watch_signals(session);
}

/* ---- The terminal ---- */

static void session_pass_size(const struct session *session)
{
	const struct winsize size = terminal_size();

	if (session->terminal.is_raw)
		ioctl(session->relays[SESSION_OUTPUT].from, TIOCSWINSZ, &size);
}

static void session_receive_terminal(struct session *session)
{
	char hello;
	int master;
	int err = fdpass_receive(session->door, &hello, sizeof(hello), &master, 1);

	if (err == -EAGAIN)
		return;
	session->awaits_terminal = false;
	if (err) /* the program could not be started: that is told by other ways */
		return;
	relay_from_ours(&session->relays[SESSION_INPUT], STDIN_FILENO,
			fcntl(master, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
	relay_to_ours(&session->relays[SESSION_OUTPUT], master, STDOUT_FILENO);
	terminal_make_raw(&session->terminal);
	session_pass_size(session);
}

/* ---- Events ---- */

static void session_on_signal(struct session *session)
{
	struct signalfd_siginfo info;
	int number;

	if (read(session->signals, &info, sizeof(info)) != sizeof(info))
		return;
	number = (int)info.ssi_signo;
	if (number == SIGHUP)
		session->left_by = number;
	else if (number == SIGWINCH)
		session_pass_size(session);
	else if (number == SIGCONT && session->terminal.is_raw)
		terminal_make_raw(&session->terminal); /* a shell has changed it meanwhile */
	else if (number != SIGCONT)
		fdpass_tell(session->door, &number, sizeof(number));
}

static bool session_wants(const struct session *session, size_t relay)
{
	return relay != SESSION_MESSAGES || !session->terminal.is_raw;
}

static void session_ask(const struct session *session, struct pollfd events[SESSION_EVENTS])
{
	events[SESSION_DOOR] = (struct pollfd){.fd = session->awaits_terminal ? session->door : -1,
					       .events = POLLIN};
	for (size_t i = 0; i < SESSION_RELAYS; i++) {
		struct pollfd *pair = &events[SESSION_FIRST_RELAY + 2 * i];

		if (session_wants(session, i))
			relay_ask(&session->relays[i], pair);
		else
			pair[0].fd = pair[1].fd = -1;
	}
}

static bool session_has_pending(const struct session *session)
{
	for (size_t i = 0; i < SESSION_RELAYS; i++)
		if (session_wants(session, i) && !stream_is_clear(&session->relays[i].to))
			return true;
	return false;
}

static void session_end(struct session *session)
{
	session->is_over = true;
	relay_close(&session->relays[SESSION_INPUT]);
	relay_finish(&session->relays[SESSION_OUTPUT]);
	relay_finish(&session->relays[SESSION_MESSAGES]);
}

static void session_handle(struct session *session, const struct pollfd events[SESSION_EVENTS])
{
	if (events[SESSION_SIGNALS].revents)
		session_on_signal(session);
	for (size_t i = 0; i < SESSION_RELAYS; i++)
		if (session_wants(session, i))
			relay_move(&session->relays[i], &events[SESSION_FIRST_RELAY + 2 * i]);
	if (events[SESSION_DOOR].revents) /* changes the relays: after they have moved */
		session_receive_terminal(session);
}

int session_run(struct session *session, int control, void (*on_answer)(void *data), void *data)
{
	struct pollfd events[SESSION_EVENTS] = {
		[SESSION_CONTROL] = {.fd = control, .events = POLLIN},
		[SESSION_SIGNALS] = {.fd = session->signals, .events = POLLIN},
	};

	while (!session->left_by) {
		bool is_last = session->is_over && !session_has_pending(session);
		int n;

		session_ask(session, events);
		n = poll(events, SESSION_EVENTS, is_last ? 0 : -1);
		if (n == 0)
			break;
		session_handle(session, events);
		if (!events[SESSION_CONTROL].revents)
			continue;
		terminal_restore(&session->terminal);
		on_answer(data);
		events[SESSION_CONTROL] = (struct pollfd){.fd = -1};
		session_end(session);
	}
	return session->left_by;
}

void session_close(struct session *session)
{
	terminal_restore(&session->terminal);
	for (size_t i = 0; i < SESSION_RELAYS; i++)
		relay_close(&session->relays[i]);
	fd_close(&session->door);
	fd_close(&session->signals);
}
