/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - the interface of the engine: carries out a plan, and changes a run while it lives.
 *
 * A run is a command and its copies. Copies and mappings are added and removed by the same few
 * functions, both for the plan at the start and for a front door later.
 */
#pragma once

#include <sys/types.h>

#include "net/port.h"
#include "plan.h"
#include "run/health.h"
#include "run/life.h"

struct loop;
struct run;

/** A copy, as a front door sees it. */
struct run_copy {
	unsigned int number;
	enum life_state state;
	pid_t pid;             /* of its first process, whose child the program is; 0: none */
	uint64_t started_ns;   /* its last start, CLOCK_MONOTONIC; 0: none yet */
	unsigned int restarts; /* starts after the first one */
	unsigned int draining; /* connections that it still has, while it drains */
	bool returns;          /* it has ended, and starts again */
	enum health_state health;
	const char *health_why; /* what is wrong with it; "": nothing is known */
	bool has_status;
	int status;              /* how it has ended last, as of wait(2) */
	unsigned int open;       /* TCP connections that it has now, by any port: run_count() */
	uint64_t connections;    /* since its last start, by its host ports: run_count() */
	uint64_t received, sent; /* bytes by its link, the same */
};

/** A mapping of one copy. */
struct run_mapping {
	uint8_t protocol;
	struct address address; /* AF_UNSPEC: all of the host's */
	uint16_t host_port, copy_port;
	bool is_shared; /* it leads to all copies */
};

enum { RUN_OBSERVERS_MAX = 4 };

/** What a front door is told, in run_live(), where it may use all functions below. */
struct run_observer {
	/*
	 * The state of a copy has changed. @number 0: the run has begun to serve. LIFE_ENDED: the
	 * copy has given everything back, and does not start again.
	 */
	void (*on_change)(void *data, struct run *run, unsigned int number, enum life_state state);
	/* A copy that is checked is healthy now, or is unhealthy: @copy->health. */
	void (*on_health)(void *data, struct run *run, const struct run_copy *copy);
	/* All processes of a copy have ended. */
	void (*on_exit)(void *data, struct run *run, const struct run_copy *copy);
	/*
	 * A copy has printed a line, without its newline; a very long one comes in pieces. NULL:
	 * the lines go to the standard output, with a prefix.
	 */
	void (*on_line)(void *data, struct run *run, unsigned int number, const char *text,
			size_t length);
	/* The same, and the lines go where they go without it, too. */
	void (*on_output)(void *data, struct run *run, unsigned int number, const char *text,
			  size_t length);
	/* A line, with its newline, that is written to standard error, too. */
	void (*on_message)(void *data, struct run *run, const char *line, size_t length);
	/* After each turn of the loop: ports lead to the copies that have become ready in it. */
	void (*on_settled)(void *data, struct run *run);
	/* Somebody has sent SIGUSR1. */
	void (*on_query)(void *data, struct run *run);
	/* The copies are told to end. */
	void (*on_ending)(void *data, struct run *run);
	/* All is over. @status: the process's exit status will be this. */
	void (*on_over)(void *data, struct run *run, int status);
	void *data;
};

/**
 * run_plan() - carry the plan out, until the run is stopped or has failed
 *
 * Blocks signals and never restores them: the caller is expected to exit.
 *
 * Copies that end by themselves start again as the plan says. The run ends when none is left: then
 * all of them have ended for good. With PLAN_RESTART_ALWAYS this never happens, and with
 * PLAN_RESTART_ON_FAILURE only after each has ended with exit status 0.
 *
 * Return: the process's exit status: EXIT_SUCCESS: the run was asked to stop (SIGINT, SIGTERM,
 * SIGHUP), or no copy is left, all have ended with exit status 0, and the plan may finish;
 * EXIT_FAILURE: anything else, reported.
 */
int run_plan(const struct plan *plan);

/**
 * run_new() - a run that has not begun
 * @plan: must live as long as the run
 *
 * Return: a run, for run_live(); or NULL, reported.
 */
struct run *run_new(const struct plan *plan);

/**
 * run_observe() - be told what happens, as one of RUN_OBSERVERS_MAX at most. Before run_live().
 * @observer: copied; each of its functions may be NULL
 */
void run_observe(struct run *run, const struct run_observer *observer);

/**
 * run_loop() - the loop of the run, from run_new() to run_live()'s return
 *
 * A front door may watch descriptors of its own there, and set timers. What it watches, it forgets
 * in on_over() at the latest.
 */
struct loop *run_loop(struct run *run);

/** run_live() - carry the run out, and free it. Return: the exit status, as run_plan(). */
int run_live(struct run *run);

/* ---- While it lives: refused from when it ends on ---- */

/**
 * run_add_mapping() - hold a host port, and lead it to copy @number, or to the one that will be
 * Return: 0; -ESHUTDOWN (unreported): the run ends; or another -errno, reported. Then nothing has
 * changed.
 */
int run_add_mapping(struct run *run, const struct nat_port *port, uint16_t copy_port,
		    unsigned int number);

/** run_remove_mapping() - give a host port up. Return: 0; -ENOENT: it is not one of ours. */
int run_remove_mapping(struct run *run, const struct nat_port *port);

/**
 * run_next_number() - the number of the next copy: the lowest that no copy has
 *
 * Its own mappings are added before it.
 */
unsigned int run_next_number(const struct run *run);

/** run_last_number() - the highest number that a copy has; 0: there is none. */
unsigned int run_last_number(const struct run *run);

/** run_size() - how many copies there are, also such as have not started yet, or will again. */
unsigned int run_size(const struct run *run);

/**
 * run_add_copy() - start one more copy
 *
 * There can be as many at a time as a bridge has ports (1,023), and as the private network has
 * addresses, which was chosen for the plan's number of copies: for two, some 250.
 *
 * Return: its number; 0: that failed, reported, or the run ends.
 */
unsigned int run_add_copy(struct run *run);

/**
 * run_remove_copy() - lead no more connections to a copy, wait for those that it has, end it, and
 * then forget it
 *
 * Its own mappings stay: connections to them are refused.
 *
 * Return: 0; -ENOENT: there is no such copy.
 */
int run_remove_copy(struct run *run, unsigned int number);

/**
 * run_restart_copy() - the same; but then it starts again
 *
 * If it ends by itself before it is ready, it starts again as with PLAN_RESTART_ALWAYS.
 *
 * Return: as run_remove_copy().
 */
int run_restart_copy(struct run *run, unsigned int number);

/**
 * run_set_command() - what a copy starts from now on, when it starts
 * @argv: as in struct plan; must live as long as the run, or until the next one is set
 */
void run_set_command(struct run *run, char *const *argv);

/** run_share_port() - hold a host port, and lead it to all copies. Return: as run_add_mapping(). */
int run_share_port(struct run *run, const struct nat_port *port, uint16_t copy_port);

/**
 * run_kill_copy() - send SIGKILL to all processes of a copy
 *
 * It is as if somebody else had killed it: that is said, and the copy may start again.
 *
 * Return: 0; -ENOENT: there is no such copy; -ESRCH: it has no process now.
 */
int run_kill_copy(struct run *run, unsigned int number);

/** run_stop() - end all copies as SIGTERM to this process does, and then the run. */
void run_stop(struct run *run);

/** run_kill() - the same with SIGKILL to all copies. */
void run_kill(struct run *run);

/* ---- To look and to tell, at any time in run_live() ---- */

/** run_each_copy() - call @each for every copy, by their numbers. */
void run_each_copy(const struct run *run, void (*each)(void *data, const struct run_copy *copy),
		   void *data);

/** run_find_copy() - look at one copy. Return: false: there is no such copy. */
bool run_find_copy(const struct run *run, unsigned int number, struct run_copy *ret);

/**
 * run_each_mapping() - call @each for every mapping that leads to copy @number, or will
 * @number: 0: every mapping that leads to all copies
 */
void run_each_mapping(const struct run *run, unsigned int number,
		      void (*each)(void *data, const struct run_mapping *mapping), void *data);

/**
 * run_count() - read the kernel's counters, for run_each_copy()
 * Return: 0 or -errno, reported.
 */
int run_count(struct run *run);

/** run_print() - print a line on the standard output. */
void run_print(struct run *run, const char *line);

/** run_write() - print @length bytes of text, with its newlines, on the standard output. */
void run_write(struct run *run, const char *text, size_t length);

/** run_tell() - the same on standard error, without a prefix. */
void run_tell(struct run *run, const char *text, size_t length);

/** run_show_status() - show a text below all lines on a terminal, in place of the last; "": none */
void run_show_status(struct run *run, const char *text);
