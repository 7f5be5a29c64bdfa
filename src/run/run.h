/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - the engine's door: a plan that is being carried out, and what can be changed of it.
 *
 * A run is a command and its copies. Copies and mappings come and go by the same few operations,
 * whoever asks for them: the plan at the start, a front door later.
 */
#pragma once

#include "plan.h"
#include "run/life.h"

struct run;

/**
 * run_plan() - carry the plan out, until it is stopped or has failed
 *
 * Blocks signals and never restores them: the caller is expected to exit.
 *
 * Return: the process's exit status: EXIT_SUCCESS stopped as asked (SIGINT, SIGTERM, SIGHUP),
 * EXIT_FAILURE otherwise, and why is reported.
 */
int run_plan(const struct plan *plan);

/** run_new() - a run that has not begun. @plan: must live as long. Return: NULL: reported. */
struct run *run_new(const struct plan *plan);

/**
 * run_observe() - be told of every change of a copy
 * @on_change: called in run_live(), where it may use the operations below. @number: of the copy;
 *             0: of none, the run has begun to serve. LIFE_ENDED: it has given everything back.
 */
void run_observe(struct run *run,
		 void (*on_change)(void *data, struct run *run, unsigned int number,
				   enum life_state state),
		 void *data);

/** run_live() - carry it out, and free it. Return: the exit status, as of run_plan(). */
int run_live(struct run *run);

/* ---- While it lives: refused from when it ends on ---- */

/**
 * run_add_mapping() - hold a host port, and lead it to copy @number, or to the one that will be
 * Return: 0; -ESHUTDOWN (unreported): the run ends; or another -errno, reported. Then nothing has
 * changed.
 */
int run_add_mapping(struct run *run, uint8_t protocol, uint16_t host_port, uint16_t copy_port,
		    unsigned int number);

/** run_remove_mapping() - let a host port go. Return: 0; -ENOENT: it is not one of ours. */
int run_remove_mapping(struct run *run, uint8_t protocol, uint16_t host_port);

/**
 * run_next_number() - the number that the next copy will have: for its mappings, which come first
 */
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
 * run_remove_copy() - lead nothing to a copy any more, end it, and forget it
 *
 * Its mappings stay, and are refused. Return: 0; -ENOENT: there is none.
 */
int run_remove_copy(struct run *run, unsigned int number);

/** run_print() - say a line on the standard output. */
void run_print(struct run *run, const char *line);
