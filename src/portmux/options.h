/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - reads the arguments of `portmux run`. Pure: looks at nothing but them and the
 * environment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"
#include "portmux/publish.h"

enum { OPTIONS_NAME_MAX = 40 }; /* characters in the name of a run */

struct options {
	bool wants_help, wants_version;
	bool is_json, is_quiet;
	unsigned int copies;
	struct publish *publish; /* owned, as all of these arrays; @publish_count of them */
	char **publish_texts;    /* as they were given */
	size_t publish_count;
	enum plan_files files;
	const char *state; /* as it was given; NULL: not */
	char name[OPTIONS_NAME_MAX + 1];
	char **environment; /* up to NULL */
	size_t environment_count;
	const char *workdir, *user; /* NULL: not given */
	enum plan_balance balance;
	enum plan_restart restart;
	struct plan_health health;
	const char *health_detail; /* the last option about it that needs --health; NULL: none */
	unsigned int grace_ms, drain_ms;
	struct plan_rlimit *rlimits;
	size_t rlimit_count;
	uint64_t memory_max;
	unsigned int cpu_per_mille, pids_max;
	char **command; /* up to NULL; NULL: none, but help or version is wanted */
};

/**
 * options_parse() - read all arguments
 * @argv: argv[0] is "run"; it may be sorted in place, and must live as long as @ret
 * @ret:  free it with options_free() in any case
 *
 * Return: 0, or -EINVAL: each bad argument has been reported, in a line of its own.
 */
int options_parse(struct options *ret, int argc, char **argv);

/** options_is_name() - can a run have this name? */
bool options_is_name(const char *text);

/** options_free() - free the arrays. Safe on zeros. */
void options_free(struct options *options);
