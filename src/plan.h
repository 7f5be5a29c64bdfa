/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - what to run: pure data, filled in by a front door, carried out by the manager.
 */
#pragma once

#include <stdint.h>

struct plan {
	const char *directory; /* absolute, without links; copies/N/ lie below it */
	char *const *argv;     /* the program; argv[0] is looked up in PATH unless it has a slash */
	unsigned int copies;
	uint8_t protocol;         /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t copy_port;       /* that the program listens on, in every copy */
	uint16_t first_host_port; /* leads to copy 1; the next one to copy 2, and so on */
	const char *log;    /* name of a file in the program's /tmp worth telling of, or NULL */
	const char *scheme; /* of the URLs that are printed: "http"; NULL: print host and port */
};

/** Room for any URL that plan_format_url() makes. */
enum { PLAN_URL_MAX = 64 };

/** plan_host_port() - the host port that leads to copy @number (1, 2, ...). */
uint16_t plan_host_port(const struct plan *plan, unsigned int number);

/** plan_format_url() - what a user of this host opens to reach copy @number, in PLAN_URL_MAX bytes.
 */
void plan_format_url(const struct plan *plan, unsigned int number, char *url);

/**
 * plan_check() - can this plan be carried out at all? Looks at the plan only.
 * Return: 0, or -EINVAL, which is reported.
 */
int plan_check(const struct plan *plan);
