/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - tells the service manager how the run is: the protocol of sd_notify(3), which is meant
 * to be spoken without a library.
 */
#pragma once

struct notify {
	int socket; /* -1: nobody wants to know */
};

/**
 * notify_open() - connect to the socket that NOTIFY_SOCKET names, and take it out of the
 * environment
 *
 * Now, since the run may change its namespaces later. Without that variable, or if the socket is
 * not there, all of this does nothing.
 */
void notify_open(struct notify *notify);

/** notify_send() - send a message such as "READY=1". It is lost if nobody takes it at once. */
void notify_send(const struct notify *notify, const char *message);

/** notify_close() - close the socket. Safe to repeat. */
void notify_close(struct notify *notify);
