/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - the interface of the engine: carries out a plan, and changes a run while it lives.
 *
 * A run is a command and its copies. Copies and mappings are added and removed by the same few
 * functions, both for the plan at the start and for a front door later.
 */
#pragma once

#include "plan.h"
#include "run/life.h"

struct run;

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
 * run_observe() - be told of every change of a copy
 * @on_change: called in run_live(), where it may use the functions below. @number: the copy's; 0:
 *             the run has begun to serve. @state: LIFE_ENDED: the copy has given everything back,
 * and does not start again.
 */
void run_observe(struct run *run,
		 void (*on_change)(void *data, struct run *run, unsigned int number,
				   enum life_state state),
		 void *data);

/** run_live() - carry the run out, and free it. Return: the exit status, as run_plan(). */
int run_live(struct run *run);

/* ---- While it lives: refused from when it ends on ---- */

/**
 * run_add_mapping() - hold a host port, and lead it to copy @number, or to the one that will be
 * Return: 0; -ESHUTDOWN (unreported): the run ends; or another -errno, reported. Then nothing has
 * changed.
 */
int run_add_mapping(struct run *run, uint8_t protocol, uint16_t host_port, uint16_t copy_port,
		    unsigned int number);

/** run_remove_mapping() - give a host port up. Return: 0; -ENOENT: it is not one of ours. */
int run_remove_mapping(struct run *run, uint8_t protocol, uint16_t host_port);

/** run_next_number() - the number of the next copy. Its mappings are added before it. */
unsigned int run_next_number(const struct run *run);

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
 * run_remove_copy() - lead no more connections to a copy, end it, and then forget it
 *
 * Its mappings stay: connections to them are refused.
 *
 * Return: 0; -ENOENT: there is no such copy.
 */
int run_remove_copy(struct run *run, unsigned int number);

/** run_print() - print a line on the standard output. */
void run_print(struct run *run, const char *line);
