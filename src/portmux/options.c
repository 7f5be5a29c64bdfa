// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * options.c - one function for each option, all with the same parameters; a table of them.
 */
#include "portmux/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "portmux/health_options.h"
#include "portmux/quantity.h"

enum {
	OPTIONS_SECONDS_MAX = 3600,
	OPTIONS_DRAIN_MS = 30000,
	OPTIONS_PIDS_MAX = 4194304 /* PID_MAX_LIMIT, include/linux/threads.h */
};

static int options_bad(const char *option, const char *text, const char *why)
{
	return error_say(-EINVAL, "%s %s: %s", option, text, why);
}

static int options_copies(struct options *options, const char *text)
{
	if (quantity_count(text, 1, PLAN_COPIES_MAX, &options->copies))
		return 0;
	return options_bad("--copies", text, "from 1 to 1023 are possible");
}

static int options_publish(struct options *options, const char *text)
{
	int err = publish_parse(&options->publish[options->publish_count], text);

	if (!err)
		options->publish_texts[options->publish_count++] = (char *)text;
	return err;
}

static int options_files(struct options *options, const char *text)
{
	static const char *const NAMES[] = {
		[PLAN_PRIVATE] = "private", [PLAN_SHARED] = "shared", [PLAN_OVERLAY] = "overlay"};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (strcmp(text, NAMES[i]) == 0) {
			options->files = (enum plan_files)i;
			return 0;
		}
	return options_bad("--files", text, "overlay, shared or private");
}

static int options_state(struct options *options, const char *text)
{
	if (!*text)
		return options_bad("--state", "\"\"", "is no directory");
	options->state = text;
	return 0;
}

static bool options_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool options_is_in_name(char c)
{
	return options_is_letter(c) || c == '_' || c == '.' || c == '-';
}

bool options_is_name(const char *text)
{
	size_t length = 0;

	while (options_is_in_name(text[length]))
		length++;
	return !text[length] && options_is_letter(text[0]) && length <= OPTIONS_NAME_MAX;
}

static int options_name(struct options *options, const char *text)
{
	if (!options_is_name(text))
		return options_bad(
			"--name", text,
			"letters, digits, _ . and -, a letter or digit first, 40 at most");
	memcpy(options->name, text, strlen(text) + 1);
	return 0;
}

static int options_env(struct options *options, const char *text)
{
	size_t length = strcspn(text, "=");

	if (length == 0)
		return options_bad("--env", text, "NAME=VALUE, or NAME");
	if (text[length] == '=') /* without a value it is that of our own environment */
		options->environment[options->environment_count++] = (char *)text;
	return 0;
}

static int options_workdir(struct options *options, const char *text)
{
	if (*text != '/')
		return options_bad("--workdir", text, "is no absolute path");
	options->workdir = text;
	return 0;
}

static int options_user(struct options *options, const char *text)
{
	if (!*text)
		return options_bad("--user", "\"\"", "is no user");
	options->user = text;
	return 0;
}

static int options_ulimit(struct options *options, const char *text)
{
	if (quantity_rlimit(text, &options->rlimits[options->rlimit_count])) {
		options->rlimit_count++;
		return 0;
	}
	return options_bad("--ulimit", text, "NAME=SOFT[:HARD], such as nofile=1024:4096");
}

static int options_memory(struct options *options, const char *text)
{
	if (quantity_bytes(text, &options->memory_max))
		return 0;
	return options_bad("--memory", text, "a number of bytes, such as 64m or 2g");
}

static int options_cpus(struct options *options, const char *text)
{
	if (quantity_per_mille(text, &options->cpu_per_mille))
		return 0;
	return options_bad("--cpus", text, "a number of processors, such as 0.5");
}

static int options_pids(struct options *options, const char *text)
{
	if (quantity_count(text, 1, OPTIONS_PIDS_MAX, &options->pids_max))
		return 0;
	return options_bad("--pids", text, "a number of processes");
}

/* Return: which of @names; -1: none. */
static int options_find(const char *const *names, int count, const char *text)
{
	while (count-- > 0)
		if (strcmp(text, names[count]) == 0)
			return count;
	return -1;
}

static int options_balance(struct options *options, const char *text)
{
	static const char *const NAMES[] = {
		[PLAN_ROUND_ROBIN] = "round-robin",
		[PLAN_RANDOM] = "random",
		[PLAN_SOURCE] = "source",
	};
	int found = options_find(NAMES, sizeof(NAMES) / sizeof(NAMES[0]), text);

	options->balance = (enum plan_balance)found;
	return found < 0 ? options_bad("--balance", text, "round-robin, random or source") : 0;
}

static int options_restart(struct options *options, const char *text)
{
	static const char *const NAMES[] = {
		[PLAN_RESTART_NO] = "no",
		[PLAN_RESTART_ON_FAILURE] = "on-failure",
		[PLAN_RESTART_ALWAYS] = "always",
	};
	int found = options_find(NAMES, sizeof(NAMES) / sizeof(NAMES[0]), text);

	options->restart = (enum plan_restart)found;
	return found < 0 ? options_bad("--restart", text, "no, on-failure or always") : 0;
}

static int options_seconds(unsigned int *ret_ms, const char *option, const char *text)
{
	unsigned int ms;

	if (!quantity_per_mille(text, &ms) || ms > OPTIONS_SECONDS_MAX * 1000)
		return options_bad(option, text, "seconds, more than 0, 3600 at most");
	*ret_ms = ms;
	return 0;
}

static int options_grace(struct options *options, const char *text)
{
	return options_seconds(&options->grace_ms, "--grace", text);
}

static int options_drain(struct options *options, const char *text)
{
	return options_seconds(&options->drain_ms, "--drain", text);
}

static int options_json(struct options *options, const char *text)
{
	(void)text;
	options->is_json = true;
	return 0;
}

static int options_quiet(struct options *options, const char *text)
{
	(void)text;
	options->is_quiet = true;
	return 0;
}

static int options_help(struct options *options, const char *text)
{
	(void)text;
	options->wants_help = true;
	return 0;
}

static int options_version(struct options *options, const char *text)
{
	(void)text;
	options->wants_version = true;
	return 0;
}

enum { FIRST_LONG = 256 }; /* options without a letter */

static const struct {
	struct option option; /* its val is the letter */
	int (*take)(struct options *options, const char *text);
} OPTIONS[] = {
	{{"copies", required_argument, NULL, 'n'}, options_copies},
	{{"publish", required_argument, NULL, 'p'}, options_publish},
	{{"files", required_argument, NULL, FIRST_LONG}, options_files},
	{{"state", required_argument, NULL, 'd'}, options_state},
	{{"name", required_argument, NULL, FIRST_LONG + 1}, options_name},
	{{"env", required_argument, NULL, 'e'}, options_env},
	{{"workdir", required_argument, NULL, 'w'}, options_workdir},
	{{"user", required_argument, NULL, 'u'}, options_user},
	{{"ulimit", required_argument, NULL, FIRST_LONG + 2}, options_ulimit},
	{{"memory", required_argument, NULL, FIRST_LONG + 3}, options_memory},
	{{"cpus", required_argument, NULL, FIRST_LONG + 4}, options_cpus},
	{{"pids", required_argument, NULL, FIRST_LONG + 5}, options_pids},
	{{"restart", required_argument, NULL, FIRST_LONG + 6}, options_restart},
	{{"grace", required_argument, NULL, FIRST_LONG + 7}, options_grace},
	{{"drain", required_argument, NULL, FIRST_LONG + 8}, options_drain},
	{{"balance", required_argument, NULL, FIRST_LONG + 9}, options_balance},
	{{"json", no_argument, NULL, FIRST_LONG + 10}, options_json},
	{{"health", required_argument, NULL, FIRST_LONG + 11}, health_options_kind},
	{{"health-interval", required_argument, NULL, FIRST_LONG + 12}, health_options_interval},
	{{"health-timeout", required_argument, NULL, FIRST_LONG + 13}, health_options_timeout},
	{{"health-retries", required_argument, NULL, FIRST_LONG + 14}, health_options_retries},
	{{"restart-unhealthy", no_argument, NULL, FIRST_LONG + 15}, health_options_restart},
	{{"quiet", no_argument, NULL, 'q'}, options_quiet},
	{{"help", no_argument, NULL, 'h'}, options_help},
	{{"version", no_argument, NULL, 'V'}, options_version},
};

enum { OPTIONS_COUNT = sizeof(OPTIONS) / sizeof(OPTIONS[0]) };

/* ---- All of them ---- */

static int options_take(struct options *options, int letter, char **argv)
{
	const char *last = argv[optind - 1];

	for (size_t i = 0; i < OPTIONS_COUNT; i++)
		if (OPTIONS[i].option.val == letter)
			return OPTIONS[i].take(options, optarg);
	if (letter == ':')
		return error_say(-EINVAL, "%s: an argument is missing", last);
	if (optopt && optopt < FIRST_LONG)
		return error_say(-EINVAL, "-%c: there is no such option", optopt);
	return error_say(-EINVAL, "%s: there is no such option, or not with an argument", last);
}

/* Takes those before the command. Return: as options_parse(). */
static int options_take_all(struct options *options, int argc, char **argv)
{
	struct option known[OPTIONS_COUNT + 1] = {0};
	int first_err = 0;
	int letter;

	for (size_t i = 0; i < OPTIONS_COUNT; i++)
		known[i] = OPTIONS[i].option;
	optind = 0; /* begin anew: also glibc's own state */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "+:n:p:d:e:w:u:qhV", known, NULL)) != -1) {
		int err = options_take(options, letter, argv);

		first_err = first_err ? first_err : err;
	}
	return first_err;
}

/* Each option can take one element of its array; NULL is at the end. */
static int options_alloc(struct options *options, size_t count)
{
	options->publish = calloc(count, sizeof(*options->publish));
	options->publish_texts = calloc(count, sizeof(*options->publish_texts));
	options->environment = calloc(count, sizeof(*options->environment));
	options->rlimits = calloc(count, sizeof(*options->rlimits));
	if (options->publish && options->publish_texts && options->environment && options->rlimits)
		return 0;
	return error_report(-ENOMEM, "cannot read the arguments");
}

static const char NAMELESS[] = "run"; /* where the command's name has no letter */

/* The last component of the command, as far as it can be a name. */
static void options_name_default(struct options *options)
{
	const char *slash = strrchr(options->command[0], '/');
	const char *base = slash ? slash + 1 : options->command[0];
	size_t length = 0;

	for (; *base && length < OPTIONS_NAME_MAX; base++)
		if (options_is_letter(*base) || (length > 0 && options_is_in_name(*base)))
			options->name[length++] = *base;
	if (length == 0)
		memcpy(options->name, NAMELESS, sizeof(NAMELESS));
}

int options_parse(struct options *ret, int argc, char **argv)
{
	int err, ports_err;

	*ret = (struct options){
		.copies = 1,
		.files = PLAN_OVERLAY,
		.health = HEALTH_DEFAULTS,
		.grace_ms = PLAN_GRACE_MS,
		.drain_ms = OPTIONS_DRAIN_MS,
	};
	err = options_alloc(ret, (size_t)argc + 1);
	if (err)
		return err;
	err = options_take_all(ret, argc, argv);
	if (ret->wants_help || ret->wants_version)
		return err;
	err = err ? err : health_options_check(ret);
	if (!argv[optind] || !*argv[optind])
		err = error_say(-EINVAL, "no command: portmux run [OPTION]... [--] COMMAND");
	else
		ret->command = argv + optind;
	ports_err =
		publish_check(ret->publish, ret->publish_texts, ret->publish_count, ret->copies);
	if (!err && !*ret->name)
		options_name_default(ret);
	return err ? err : ports_err;
}

void options_free(struct options *options)
{
	free(options->publish);
	free(options->publish_texts);
	free(options->environment);
	free(options->rlimits);
	*options = (struct options){0};
}
