// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * execute.c - environment, working directory, descriptors, signals, limits; then execvp(3), in this
 * process or in a child.
 */
#include "copy/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Return: false: there is no memory. */
static bool execute_copy_list(char *const **list)
{
	char *const *before = *list;
	size_t count = 0, length = 0;
	char **copy;
	char *text;

	if (!before)
		return true;
	for (; before[count]; count++)
		length += strlen(before[count]) + 1;
	copy = calloc(1, (count + 1) * sizeof(*copy) + length); /* the texts are behind the list */
	if (!copy)
		return false;
	text = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		copy[i] = text;
		text = stpcpy(text, before[i]) + 1;
	}
	*list = copy;
	return true;
}

int execute_keep(struct execute_spec *spec)
{
	spec->workdir = strdup(spec->workdir);
	if (spec->workdir && execute_copy_list(&spec->environment) &&
	    execute_copy_list(&spec->own_environment))
		return 0;
	return error_report(-ENOMEM, "copy %u: cannot be made", spec->number);
}

/*
 * The default action as the kernel's struct sigaction: all zeros. The struct is not larger than
 * this on any architecture.
 */
static const char DEFAULT_ACTION[64];
enum { KERNEL_SIGSET_SIZE = (NSIG - 1) / 8 };

enum {
	EXECUTE_STACK = 64 << 10,
	EXECUTE_STACK_PER_ARGUMENT = 16, /* for a pointer; a stack begins at a multiple of 16 */
};

static void execute_reset_signals(void)
{
	sigset_t none;

	/*
	 * By system call: glibc's sigaction() refuses the two signals that glibc uses itself, but
	 * our caller may have ignored them.
	 */
	for (int signal = 1; signal < NSIG; signal++)
		syscall(SYS_rt_sigaction, signal, DEFAULT_ACTION, NULL, KERNEL_SIGSET_SIZE);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int execute_add_variables(char *const *variables)
{
	for (; variables && *variables; variables++)
		if (putenv(*variables) != 0)
			return error_report(-errno, "cannot set the environment");
	return 0;
}

static int execute_set_environment(const struct execute_spec *spec)
{
	int err = identity_set_environment(spec->identity);

	if (!err)
		err = execute_add_variables(spec->environment);
	if (!err)
		err = execute_add_variables(spec->own_environment);
	return err ? err : execute_add_variables((char *[]){(char *)spec->variable, NULL});
}

/* @ret_stderr: a copy of the standard error as it was. */
static int execute_set_stdio(const int stdio[3], int terminal, int *ret_stderr)
{
	/*
	 * Open the copy's own /dev/null. Otherwise, a program that opens /dev/stdin would get the
	 * host's.
	 */
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	*ret_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (*ret_stderr < 0 || null < 0 || setsid() < 0 ||
	    (terminal >= 0 && ioctl(terminal, TIOCSCTTY, 0) < 0))
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(stdio[fd] < 0 ? null : stdio[fd], fd) < 0)
			return -errno;
	return 0;
}

/*
 * All but the environment. The memory may be that of a parent which lives on: this allocates
 * nothing, and sets no variable that the parent reads.
 */
static int execute_now(const struct execute_spec *spec, const int stdio[3], int terminal,
		       mode_t mask)
{
	int old_stderr = -1;
	int limits_err, err;

	if (chdir(spec->workdir) < 0) {
		error_report(-errno, "copy %u: cannot enter %s as user %u", spec->number,
			     spec->workdir, spec->identity->uid);
		return EXECUTE_CANNOT;
	}
	err = execute_set_stdio(stdio, terminal, &old_stderr);
	if (err) {
		error_report(err, "copy %u: cannot set up its input and output", spec->number);
		return EXECUTE_CANNOT;
	}
	execute_reset_signals();
	umask(mask);
	limits_err = limits_apply(spec->limits);
	if (!limits_err)
		execvp(spec->argv[0], spec->argv);

	err = errno;
	dup2(old_stderr, STDERR_FILENO);
	if (limits_err) {
		error_report(limits_err, "copy %u: cannot set its limits", spec->number);
		return EXECUTE_CANNOT;
	}
	error_report(-err, "copy %u: cannot execute %s", spec->number, spec->argv[0]);
	return err == ENOENT ? EXECUTE_NOT_FOUND : EXECUTE_CANNOT;
}

int execute_program(const struct execute_spec *spec, const int stdio[3], int terminal, mode_t mask)
{
	if (execute_set_environment(spec) < 0)
		return EXECUTE_CANNOT;
	return execute_now(spec, stdio, terminal, mask);
}

struct execute_child {
	const struct execute_spec *spec;
	const int *stdio;
	int terminal;
	mode_t mask;
};

static int execute_in_child(void *data)
{
	const struct execute_child *child = data;

	return execute_now(child->spec, child->stdio, child->terminal, child->mask);
}

pid_t execute_start(const struct execute_spec *spec, const int stdio[3], int terminal, mode_t mask)
{
	struct execute_child child = {spec, stdio, terminal, mask};
	AUTO_FREE char *stack = NULL;
	size_t size = EXECUTE_STACK;
	int err = execute_set_environment(spec);
	pid_t pid;

	if (err)
		return err;
	/* If the file is a script without "#!", execvp() makes a new list of them on the stack. */
	for (char *const *argument = spec->argv; *argument; argument++)
		size += EXECUTE_STACK_PER_ARGUMENT;
	stack = malloc(size);
	pid = stack ? clone(execute_in_child, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD,
			    &child)
		    : -1;
	if (pid < 0)
		return error_report(-errno, "copy %u: cannot start its program", spec->number);
	return pid;
}
