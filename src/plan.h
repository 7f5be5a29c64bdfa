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

#include "net/address.h"

/** A port of the copies: one host port leads to all of them, or each has one of its own. */
struct plan_port {
	uint8_t protocol;           /* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t copy_port;         /* the program listens on it, in every copy */
	bool is_shared;             /* @first_host_port leads to all copies, in turn */
	uint16_t first_host_port;   /* leads to copy 1; the next one to copy 2, and so on */
	uint16_t last_host_port;    /* for a front door: more copies than that cannot be added */
	const uint16_t *host_ports; /* or, if not NULL: that of copy 1, of copy 2, and so on */
	struct address address;     /* only at this one of the host's; AF_UNSPEC: at all of them */
};

/** What a copy sees as the plan's directory, and where it works. */
enum plan_files {
	PLAN_PRIVATE, /* the directory, read-only; it works in PLACES/N/files, which is its own */
	PLAN_SHARED,  /* the directory itself, writable for all copies */
	PLAN_OVERLAY, /* the directory; what a copy changes in it is its own: PLACES/N/upper */
};

/** Which copy a new connection to a shared port goes to. */
enum plan_balance {
	PLAN_ROUND_ROBIN,
	PLAN_RANDOM,
	PLAN_SOURCE, /* the same client, the same copy */
};

/** When a copy that has ended starts again. */
enum plan_restart {
	PLAN_RESTART_NO,
	PLAN_RESTART_ON_FAILURE, /* its exit status was not 0, or a signal has ended it */
	PLAN_RESTART_ALWAYS,
};

/** How a copy shows that it is well, besides that it listens at its ports. */
enum plan_health_kind {
	PLAN_HEALTH_NONE,
	PLAN_HEALTH_HTTP, /* it answers a request at its first TCP port with a status 200 to 399 */
	PLAN_HEALTH_TCP,  /* it takes a connection to its first TCP port */
	PLAN_HEALTH_EXEC, /* a command, run in the copy by sh(1), ends with exit status 0 */
	PLAN_HEALTH_NOTIFY, /* it says so itself: sd_notify(3) */
};

struct plan_health {
	enum plan_health_kind kind;
	const char *text;         /* HTTP: the path that is asked for; EXEC: the command */
	unsigned int interval_ms; /* from one check to the next */
	unsigned int timeout_ms;  /* a check that takes longer has failed */
	unsigned int retries;     /* so many in a row have failed: it is unhealthy */
	bool restarts;            /* it is then ended, and starts again */
};

/** A limit of each copy's processes, as of setrlimit(2). */
struct plan_rlimit {
	int resource; /* RLIMIT_CORE, ... */
	uint64_t soft, hard;
};

struct plan {
	const char *table;     /* name of the nftables table; of a second run: "TABLE_1" */
	const char *bridge;    /* beginning of the name of the bridge: "uva" makes uva0, uva1 */
	const char *name;      /* of the run; NULL: it has none */
	const char *directory; /* absolute, without symbolic links */
	enum plan_files files;
	const char *places;  /* absolute, its parent exists; PLACES/N is copy N's, with N/tmp */
	bool keeps_output;   /* in PLACES/N/log */
	const char *workdir; /* absolute; NULL: the directory, or PLACES/N/files if PLAN_PRIVATE */
	const char
		*user; /* "NAME", "UID", "NAME:GROUP", ...: who the copies run as; NULL: caller */
	char *const
		*environment; /* "NAME=VALUE", up to NULL: added to the caller's; NULL: nothing */
	char *const *argv;    /* the program; argv[0] is looked up in PATH unless it has a slash */
	unsigned int copies;
	const struct plan_port *ports; /* @port_count of them */
	size_t port_count;
	enum plan_balance balance;
	enum plan_restart restart;
	struct plan_health health;
	bool may_finish;       /* it is no failure that all end with exit status 0 */
	unsigned int grace_ms; /* from SIGTERM to SIGKILL; 0: PLAN_GRACE_MS */
	unsigned int drain_ms; /* that connections to a copy which is removed may take to end */
	const struct plan_rlimit *rlimits; /* @rlimit_count of them */
	size_t rlimit_count;
	uint64_t memory_max;        /* of each copy, in bytes; 0: no limit */
	unsigned int cpu_per_mille; /* of one processor, for each copy; 0: no limit */
	unsigned int pids_max;      /* of each copy; 0: the engine's own */
	const char *scheme;         /* of the URLs: "http"; NULL: {url} is host and port */
	const char *greeting_name;  /* a file that a new working directory gets; NULL: none */
	const char *greeting;       /* text of that file */
	const char *ready_line;     /* printed for each copy when all listen; NULL: nothing */
	const char *ready_end;      /* printed after those */
};

enum {
	PLAN_URL_MAX = 80,      /* room for any URL */
	PLAN_TEXT_MAX = 512,    /* room for any text of the plan, expanded */
	PLAN_NAME_MAX = 64,     /* room for a copy's name */
	PLAN_COPIES_MAX = 1023, /* ports of a bridge: BR_MAX_PORTS - 1, net/bridge/br_private.h */
	PLAN_GRACE_MS = 5000,
};

/** plan_grace_ms() - how long a copy has from SIGTERM to SIGKILL. */
unsigned int plan_grace_ms(const struct plan *plan);

/** plan_host_port() - the host port that leads to @port of copy @number (1, 2, ...). */
uint16_t plan_host_port(const struct plan_port *port, unsigned int number);

/** plan_first_tcp_port() - the first of the copies' ports that is TCP. Return: NULL: none is. */
const struct plan_port *plan_first_tcp_port(const struct plan *plan);

/**
 * plan_format_name() - the name of copy @number, in PLAN_NAME_MAX bytes: "copy-1"; or, in a run
 * that has a name, "NAME-1". It is also the copy's host name.
 */
void plan_format_name(const struct plan *plan, unsigned int number, char *name);

/** plan_format_url() - the URL of copy @number, in PLAN_URL_MAX bytes. */
void plan_format_url(const struct plan *plan, unsigned int number, char *url);

/** plan_expand() - a text of the plan with {copy} and {url} replaced, in PLAN_TEXT_MAX bytes. */
void plan_expand(const struct plan *plan, const char *text, unsigned int number, char *expanded);

/** plan_is_below() - is @path the directory @directory, or below it? Both absolute and resolved. */
bool plan_is_below(const char *path, const char *directory);

/**
 * plan_check() - can this plan be carried out at all? Looks only at the plan, not at the host.
 * Return: 0 or -EINVAL, reported.
 */
int plan_check(const struct plan *plan);
