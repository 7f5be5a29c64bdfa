/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.h - a copy as an object: its state (life.h), and everything that it holds.
 *
 * A copy holds its addresses and its link, its directories, its control group, its output, a socket
 * that sees its sockets, descriptors of it in the guardian, and its records in the log. When it has
 * ended it gives each of them back. Then it can start again, or be freed.
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "copy/container.h"
#include "host/cgroup.h"
#include "host/guardian.h"
#include "net/connections.h"
#include "rootless/gate.h"
#include "run/attachment.h"
#include "run/console.h"
#include "run/health.h"
#include "run/life.h"
#include "run/mapping.h"
#include "run/mounts.h"
#include "run/place.h"
#include "run/restart.h"

struct copy;

/** What all copies of a run have in common. */
struct copy_setting {
	const struct plan *plan;
	const struct identity *identity;
	char *const *argv; /* the program that a copy starts next */
	struct container_slots *slots;
	struct limits limits; /* of the program */
	struct loop *loop;
	struct console *console;
	struct network *network;
	struct guardian *guardian;
	struct cgroup *cgroup;
	struct places *places;
	const struct mounts *mounts;
	struct gate *gate;
	unsigned int starting; /* how many are in LIFE_STARTING: they share the looks there are */
	unsigned int lives;    /* how many lives have begun */
	enum copy_sight {
		COPY_SIGHT_UNKNOWN,
		COPY_SEES,
		COPY_IS_BLIND, /* this kernel cannot tell who listens */
	} sight_tcp,
		sight_udp;

	/*
	 * The state of @copy has changed; before, it was @before. A copy that is LIFE_ENDED has not
	 * given back yet what it held: the callback sees to it that copy_leave() is called later.
	 */
	void (*on_change)(void *data, struct copy *copy, enum life_state before);
	/* @copy is healthy now, or is unhealthy. */
	void (*on_health)(void *data, struct copy *copy);
	/* @copy could not be made, which has been reported. */
	void (*on_failed)(void *data, struct copy *copy, int err);
	/* @copy has given everything back. It may be started again, now or later, or freed. */
	void (*on_left)(void *data, struct copy *copy);
	/*
	 * @copy must be killed soon, by container_kill(). The owner waits for more such copies, so
	 * that it can end the connections of all of them with a single look at the conntrack table.
	 */
	void (*on_kill)(void *data, struct copy *copy);
	/* @copy was killed, and has not ended. */
	void (*on_undying)(void *data, struct copy *copy);
	void *data;
};

struct copy {
	struct copy_setting *setting;
	unsigned int number; /* 1, 2, ... */
	char name[16];       /* "copy-1": its chain in the table */
	char hostname[PLAN_NAME_MAX];
	enum life_state state;
	struct loop_timer deadline; /* when it has been in its state for too long */
	struct loop_timer look;     /* when to look whether it listens */
	uint64_t looks_since_ns;    /* loop_now_ns(), when its program was let go */
	struct container container;
	struct loop_source hello; /* the container's socket */
	struct loop_source end;   /* its pidfd */
	struct netlink diag;      /* sees its sockets */
	unsigned int life;        /* number of this life, by which the guardian knows it */
	bool is_held;             /* the guardian knows it */
	bool is_asked;            /* somebody wanted it to end: do not report its end */
	bool has_failed;          /* it could not be made, which has been reported */
	bool has_succeeded;       /* it has ended by itself, with exit status 0 */
	bool has_status;          /* it has ended at least once, and its program has told how: */
	int status;               /* as of wait(2) */
	unsigned int open;        /* for survey.c, as these: */
	uint64_t connections, received, sent;
	unsigned int draining;  /* connections that it still has, while it is LIFE_DRAINING */
	bool has_told_draining; /* for drain.c: that there are such */
	bool is_listed;         /* for drain.c: in the table, as one that drains */
	bool is_restarting;     /* when it has ended, it starts again at once */
	bool is_kept;           /* until it is ready, it starts again whenever it ends */
	bool is_leaving;        /* copy_leave() was called */
	bool has_ipv6;          /* it has listened on IPv6 */
	int spawn_err;          /* why it could not be made; 0: it was made */
	uint64_t started_ns;    /* its last start; as all times CLOCK_MONOTONIC; 0: none yet */
	unsigned int restarts;  /* how many starts came after the first */
	struct restart restart;
	uint64_t returns_ns; /* it has ended, and starts again then; 0: it does not */
	struct attachment attachment;
	struct place place;
	struct printer printer;
	struct journal journal;
	struct health *health;      /* NULL: nobody asks for it; owned */
	bool is_listening;          /* at all ports that lead to it, whether it is healthy or not */
	bool is_given_up;           /* it ends because it was unhealthy, and starts again */
	struct mapping *mappings;   /* that lead to it: a list; its owner's */
	struct copy *next;          /* for its owner */
	struct copy *next_to_start; /* for starts.c */
	bool is_dying;              /* for its owner: on_kill() was called */
	bool is_undying;            /* for its owner: on_undying() was called */
	bool is_waiting;            /* for its owner: it has ended, and has not left */
};

/**
 * copy_new() - make a copy that has not started
 * @number:   1, 2, ...
 * @mappings: that lead to it, installed; they stay the caller's
 *
 * The copy has its addresses already. As soon as it listens, the mappings lead to them.
 *
 * Return: a copy, to be freed by copy_free(); or NULL, reported.
 */
struct copy *copy_new(struct copy_setting *setting, unsigned int number, struct mapping *mappings);

/** copy_free() - free a copy and what it still holds. Does not end its processes. Safe on NULL. */
void copy_free(struct copy *copy);

/**
 * copy_happens() - tell a copy what somebody wants of it
 * @event: LIFE_START, LIFE_DRAIN, LIFE_STOP, LIFE_KILL; all other events come from the copy itself
 */
void copy_happens(struct copy *copy, enum life_event event);

/**
 * copy_lead() - let one more mapping, which is installed, lead to the copy
 * Return: 0 or -errno, reported.
 */
int copy_lead(struct copy *copy, struct mapping *mapping);

/** copy_owner() - the copy and its addresses, for connections_end(). */
struct connections_owner copy_owner(struct copy *copy);

/**
 * copy_leave() - it has ended, and its connections too: give back what it held, then on_left()
 * Return: 0: @copy may have been freed by on_left(); -EAGAIN: the guardian is busy, call again
 * later.
 */
int copy_leave(struct copy *copy);

/* ---- For the other files of a copy: birth.c, look.c, burial.c ---- */

/** copy_step() - an event of the copy itself: go to the next state, and do what the table says. */
void copy_step(struct copy *copy, enum life_event event);

/** copy_fail() - the copy could not be made, which has been reported: end what there is of it. */
void copy_fail(struct copy *copy, int err);

/**
 * copy_take_network() - take addresses, and aim the mappings at them
 * Return: 0 or -errno, reported.
 */
int copy_take_network(struct copy *copy);

/** copy_withdraw() - lead no new connections to the copy. */
void copy_withdraw(struct copy *copy);

/** copy_forget_container() - close what we have of its processes. Safe to repeat. */
void copy_forget_container(struct copy *copy);
