// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * signals.c - signalfd(2).
 */
#include "run/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

static bool signals_is_urgent(struct signals *signals, int number)
{
	const uint64_t patience_ns = UINT64_C(1000000) * SIGNALS_PATIENCE_MS;
	uint64_t now = loop_now_ns();
	uint64_t *first = &signals->first_ns[number];

	if (*first)
		return number == SIGINT || now - *first >= patience_ns;
	*first = now;
	return false;
}

static void signals_on_event(void *data, uint32_t events)
{
	struct signals *signals = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(signals->source.fd, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		signals->on_request(signals->data, number, signals_is_urgent(signals, number));
	}
}

int signals_open(struct signals *signals, struct loop *loop,
		 void (*on_request)(void *data, int number, bool is_urgent), void *data)
{
	static const int kept[] = {SIGTSTP, SIGQUIT, SIGABRT};
	static const int asked[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
	sigset_t blocked, stop;
	int fd, err;

	/*
	 * If our caller ignores SIGCHLD, the kernel would reap our children itself, and we could
	 * not wait for them.
	 */
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		sigdelset(&blocked, kept[i]);
	sigemptyset(&stop);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		sigaddset(&stop, asked[i]);
	if (sigprocmask(SIG_SETMASK, &blocked, NULL) < 0)
		return error_report(-errno, "cannot block signals");
	fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_report(-errno, "cannot make a signalfd");
	*signals = (struct signals){
		.loop = loop,
		.source = {.fd = fd, .on_event = signals_on_event, .data = signals},
		.on_request = on_request,
		.data = data,
	};
	err = loop_watch(loop, &signals->source, EPOLLIN);
	return err ? error_report(err, "cannot wait for signals") : 0;
}

void signals_close(struct signals *signals)
{
	if (!signals->loop)
		return;
	loop_forget(signals->loop, &signals->source);
	fd_close(&signals->source.fd);
	signals->loop = NULL;
}
