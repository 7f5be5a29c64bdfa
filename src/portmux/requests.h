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
