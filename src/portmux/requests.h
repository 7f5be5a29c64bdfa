/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * requests.h - what can be asked for on the control socket, by name. Each has a file: see
 * request.h.
 */
#pragma once

#include "portmux/request.h"

/** requests_find() - the function of a request. Return: NULL: there is none. */
void (*requests_find(const char *command))(struct request *request);

/** request_ps() - "ps": all copies, or the one with the number "copy"; a line for each. */
void request_ps(struct request *request);

/**
 * request_logs() - "logs": what all copies, or "copy", have printed last, as "output" events; with
 * "follow" also what they will print, until the run is over. An event "lost": the client was too
 * slow for some lines.
 */
void request_logs(struct request *request);

/** request_stop() - "stop": end the run; answered when everything has been undone. */
void request_stop(struct request *request);

/** request_kill() - "kill": SIGKILL to "copy", answered when it has ended; or to all, as "stop". */
void request_kill(struct request *request);
