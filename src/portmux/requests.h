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

/** request_scale() - "scale": have "copies" copies; a line for each step, until all is done. */
void request_scale(struct request *request);

/**
 * request_restart() - "restart": the list "copies", or all, one after the other; with "surge" a new
 * copy before the old one goes; with "argv" another command. Lines as of "scale".
 */
void request_restart(struct request *request);

/** request_publish() - "publish": the text "mapping", as publish_parse() reads it. */
void request_publish(struct request *request);

/** request_unpublish() - "unpublish": the same. */
void request_unpublish(struct request *request);

/** request_exec() - "exec": a program in copy "copy"; see exec.h. */
void request_exec(struct request *request);
