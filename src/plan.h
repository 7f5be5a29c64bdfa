/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - what to run. Pure data: a front door fills it in, the engine (run/run.h) carries it out.
 *
 * Texts may contain {copy} and {url}. {copy} stands for the copy's number, {url} for what a user of
 * this host opens to reach the copy's first port.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A port of the copies; each copy has a host port of its own that leads to it. */
struct plan_port {
	uint8_t protocol;         /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t copy_port;       /* the program listens on it, in every copy */
	uint16_t first_host_port; /* leads to copy 1; the next one to copy 2, and so on */
};

struct plan {
	const char *table;     /* name of the nftables table; of a second run: "TABLE_1" */
	const char *bridge;    /* beginning of the name of the bridge: "uva" makes uva0, uva1 */
	const char *directory; /* absolute, without symbolic links */
	const char *places;    /* below it; PLACES/N/files and PLACES/N/tmp belong to copy N */
	char *const *argv;     /* the program; argv[0] is looked up in PATH unless it has a slash */
	unsigned int copies;
	const struct plan_port *ports; /* @port_count of them */
	size_t port_count;
	const char *scheme;        /* of the URLs: "http"; NULL: {url} is host and port */
	const char *greeting_name; /* a file that a new working directory gets; NULL: none */
	const char *greeting;      /* text of that file */
	const char *ready_line;    /* printed for each copy when all listen; NULL: nothing */
	const char *ready_end;     /* printed after those */
};

enum {
	PLAN_URL_MAX = 64,      /* room for any URL */
	PLAN_TEXT_MAX = 512,    /* room for any text of the plan, expanded */
	PLAN_COPIES_MAX = 1023, /* ports of a bridge: BR_MAX_PORTS - 1, net/bridge/br_private.h */
};

/** plan_host_port() - the host port that leads to @port of copy @number (1, 2, ...). */
uint16_t plan_host_port(const struct plan_port *port, unsigned int number);

/** plan_format_url() - the URL of copy @number, in PLAN_URL_MAX bytes. */
void plan_format_url(const struct plan *plan, unsigned int number, char *url);

/** plan_expand() - a text of the plan with {copy} and {url} replaced, in PLAN_TEXT_MAX bytes. */
void plan_expand(const struct plan *plan, const char *text, unsigned int number, char *expanded);

/**
 * plan_check() - can this plan be carried out at all? Looks only at the plan, not at the host.
 * Return: 0 or -EINVAL, reported.
 */
int plan_check(const struct plan *plan);
