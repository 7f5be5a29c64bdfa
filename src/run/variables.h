/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * variables.h - what a copy is told in its environment: COPY=1, COPY_NAME=web-1, HOST_PORT=8081 for
 * its first mapping, HOST_PORT_8080=8081 (HOST_PORT_5000_UDP=...) for each; NOTIFY_SOCKET=@notify
 * if the run waits until its program says that it is ready.
 */
#pragma once

#include "run/copy.h"

/* Name of the socket at which the program says so. */
#define VARIABLES_NOTIFY "notify"

enum { VARIABLES_MAX = PLAN_NAME_MAX + 16 };

struct variables {
	char (*texts)[VARIABLES_MAX]; /* owned */
	char **list; /* owned: "NAME=VALUE", up to NULL; NULL: the run has no name */
};

/**
 * variables_describe() - write what @copy is told now; nothing if its run has no name
 * Return: 0 or -errno, reported. Free with variables_free() in any case.
 */
int variables_describe(struct variables *ret, const struct copy *copy);

/** variables_free() - free the texts. Safe on zeros. */
void variables_free(struct variables *variables);
