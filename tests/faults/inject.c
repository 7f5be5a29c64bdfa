// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inject.c - starts a program and makes one system call of one of its processes go wrong.
 *
 * usage: inject --report FILE [--process K] [--from-exec] [--only A,B | --except A,B]
 *               [--at N (--kill | --errno NUMBER)] -- PROGRAM [ARGUMENT]...
 *
 *	--process K    0, the default: PROGRAM itself; 1, 2, ...: the first, second, ... process it
 *forks
 *	--from-exec    of process 0, count the calls of the dynamic loader as well
 *	--only, --except   count these calls, or all but these, by name
 *	--at N         at the N-th call that counts (from 1): before it is made, kill the process,
 *or return this errno instead of making the call
 *
 * FILE gets "hit N NAME" when the fault happens, and when the process has ended "end CALLS HOW":
 * the number of calls that counted (after a fault they are no longer counted), and "exit CODE",
 * "signal NUMBER", or "unborn" where there was no K-th process.
 *
 * The tracer is a grandchild, so PROGRAM keeps our pid, and has no child that it does not know of.
 * Only the one process is traced: its children are not, and as soon as the K-th child is there, its
 * parent is not any more either.
 *
 * The loader's calls are those before the program's entry point (_start): a breakpoint stands
 *there. If one of those fails, the loader ends the process before the program has any say in it.
 *
 * Two calls fail in a way of their own. close() is made all the same: the kernel releases the
 * descriptor whatever it returns. brk() returns no error, but the old break.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/ptrace.h has the structure as well, but cannot be included together with sys/ptrace.h. */
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

enum { CALL_MAX = 1024 };

static const struct {
	long number;
	const char *name;
} CALLS[] = {
#ifdef WITH_CALLS
#include "calls.h" /* {SYS_read, "read"}, ...: made from sys/syscall.h by whoever compiles this */
#endif
	{0, ""},
};

/* ptrace(2) takes pointers, and most of its requests numbers. */
static void *number(long value)
{
	return (void *)value; /* NOLINT(performance-no-int-to-ptr) */
}

struct options {
	const char *report;
	long process;
	bool from_exec;
	long at; /* 0: never */
	bool kill;
	int error;
	bool counts[CALL_MAX];
};

struct tracee {
	const struct options *options;
	pid_t pid;
	int report;
	long calls;
	bool counting;
	unsigned long entry; /* address of the breakpoint, 0: none */
	long entry_text;     /* what stood there */
	bool failing;        /* we are in the call that fails */
	bool is_brk;         /* and it is brk(), with this argument */
	unsigned long brk;
	bool over; /* the fault has happened */
};

static void die(const char *what)
{
	perror(what);
	exit(125);
}

/* ---- Machines ----------------------------------------------------------------------------------
 */

#if defined(__x86_64__)

typedef struct user_regs_struct registers;

static const unsigned char BREAKPOINT[] = {0xcc}; /* int3: the program counter is behind it */

static unsigned long *registers_pc(registers *regs)
{
	return (unsigned long *)&regs->rip;
}

static void registers_set_result(registers *regs, long result)
{
	regs->rax = (unsigned long long)result;
}

static unsigned long registers_set_argument(registers *regs, unsigned long argument)
{
	unsigned long before = regs->rdi;

	regs->rdi = argument;
	return before;
}

static unsigned long breakpoint_of(unsigned long pc)
{
	return pc - sizeof(BREAKPOINT);
}

#elif defined(__aarch64__)

typedef struct user_regs_struct registers;

static const unsigned char BREAKPOINT[] = {0x00, 0x00, 0x20, 0xd4}; /* brk #0: stays on it */

static unsigned long *registers_pc(registers *regs)
{
	return (unsigned long *)&regs->pc;
}

static void registers_set_result(registers *regs, long result)
{
	regs->regs[0] = (unsigned long long)result;
}

static unsigned long registers_set_argument(registers *regs, unsigned long argument)
{
	unsigned long before = regs->regs[0];

	regs->regs[0] = argument;
	return before;
}

static unsigned long breakpoint_of(unsigned long pc)
{
	return pc;
}

#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "inject.c knows x86-64 and aarch64"
#endif

static void registers_get(pid_t pid, registers *regs)
{
	struct iovec part = {.iov_base = regs, .iov_len = sizeof(*regs)};

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part) < 0)
		die("PTRACE_GETREGSET");
}

static void registers_set(pid_t pid, registers *regs)
{
	struct iovec part = {.iov_base = regs, .iov_len = sizeof(*regs)};

	if (ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &part) < 0)
		die("PTRACE_SETREGSET");
}

/* At a call's entry: the kernel is not to make it. */
static void skip_call(pid_t pid)
{
#if defined(__x86_64__)
	registers regs;

	registers_get(pid, &regs);
	regs.orig_rax = (unsigned long long)-1;
	registers_set(pid, &regs);
#else
	int none = -1;
	struct iovec part = {.iov_base = &none, .iov_len = sizeof(none)};

	if (ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &part) < 0)
		die("NT_ARM_SYSTEM_CALL");
#endif
}

/* ---- Options -----------------------------------------------------------------------------------
 */

static const char *call_name(unsigned long number)
{
	static char unknown[32];

	for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
		if ((unsigned long)CALLS[i].number == number)
			return CALLS[i].name;
	snprintf(unknown, sizeof(unknown), "call-%lu", number);
	return unknown;
}

/* Names that this machine does not have are passed over: open() on aarch64. */
static void options_count(struct options *options, char *names, bool count)
{
	for (size_t i = 0; i < CALL_MAX; i++)
		options->counts[i] = !count;
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
		for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
			if (strcmp(CALLS[i].name, name) == 0 && CALLS[i].number < CALL_MAX)
				options->counts[CALLS[i].number] = count;
}

/* Return: whether there is such an option with a value. */
static bool options_take(struct options *options, const char *name, char *value)
{
	if (strcmp(name, "--report") == 0)
		options->report = value;
	else if (strcmp(name, "--process") == 0)
		options->process = strtol(value, NULL, 10);
	else if (strcmp(name, "--at") == 0)
		options->at = strtol(value, NULL, 10);
	else if (strcmp(name, "--errno") == 0)
		options->error = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--only") == 0 || strcmp(name, "--except") == 0)
		options_count(options, value, strcmp(name, "--only") == 0);
	else
		return false;
	return true;
}

/* Return: the program and its arguments. */
static char **options_parse(struct options *options, char **argv)
{
	char none[] = "";

	*options = (struct options){0};
	options_count(options, none, false);
	while (*++argv && strcmp(*argv, "--") != 0) {
		if (strcmp(*argv, "--kill") == 0)
			options->kill = true;
		else if (strcmp(*argv, "--from-exec") == 0)
			options->from_exec = true;
		else if (argv[1] && options_take(options, argv[0], argv[1]))
			argv++;
		else
			break;
	}
	if (!*argv || strcmp(*argv, "--") != 0 || !argv[1] || !options->report) {
		fprintf(stderr, "usage: see the head of inject.c\n");
		exit(125);
	}
	return argv + 1;
}

/* ---- The loader's end --------------------------------------------------------------------------
 */

static unsigned long entry_address(pid_t pid)
{
	unsigned long entry = 0, pair[2];
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, pair, sizeof(pair)) == sizeof(pair))
		if (pair[0] == AT_ENTRY)
			entry = pair[1];
	if (fd >= 0)
		close(fd);
	return entry;
}

static void entry_break(struct tracee *tracee)
{
	long text;

	tracee->entry = entry_address(tracee->pid);
	if (!tracee->entry)
		die("AT_ENTRY");
	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, tracee->pid, tracee->entry, NULL);
	if (errno)
		die("PTRACE_PEEKTEXT");
	tracee->entry_text = text;
	memcpy(&text, BREAKPOINT, sizeof(BREAKPOINT));
	if (ptrace(PTRACE_POKETEXT, tracee->pid, tracee->entry, text) < 0)
		die("PTRACE_POKETEXT");
}

/* Return: whether this SIGTRAP is the breakpoint's. */
static bool entry_reached(struct tracee *tracee)
{
	registers regs;

	if (!tracee->entry)
		return false;
	registers_get(tracee->pid, &regs);
	if (breakpoint_of(*registers_pc(&regs)) != tracee->entry)
		return false;
	if (ptrace(PTRACE_POKETEXT, tracee->pid, tracee->entry, tracee->entry_text) < 0)
		die("PTRACE_POKETEXT");
	*registers_pc(&regs) = tracee->entry;
	registers_set(tracee->pid, &regs);
	tracee->entry = 0;
	tracee->counting = true;
	return true;
}

/* ---- One process -------------------------------------------------------------------------------
 */

static void tracee_hit(struct tracee *tracee, unsigned long number)
{
	registers regs;

	dprintf(tracee->report, "hit %ld %s\n", tracee->calls, call_name(number));
	if (tracee->options->kill) {
		kill(tracee->pid, SIGKILL);
		tracee->over = true;
		return;
	}
	if (number == SYS_brk) {
		registers_get(tracee->pid, &regs);
		tracee->brk =
			registers_set_argument(&regs, 0); /* asks for the break that there is */
		registers_set(tracee->pid, &regs);
	} else if (number != SYS_close) {
		skip_call(tracee->pid);
	}
	tracee->is_brk = number == SYS_brk;
	tracee->failing = true;
}

/* At the exit of the call that fails. */
static void tracee_fail(struct tracee *tracee)
{
	registers regs;

	registers_get(tracee->pid, &regs);
	if (!tracee->is_brk)
		registers_set_result(&regs, -tracee->options->error);
#ifdef __x86_64__ /* where the result has a register of its own, and a caller may count on the \
		     argument */
	if (tracee->is_brk)
		registers_set_argument(&regs, tracee->brk);
#endif
	registers_set(tracee->pid, &regs);
	tracee->failing = false;
	tracee->over = true;
}

static void tracee_on_call(struct tracee *tracee)
{
	const struct options *options = tracee->options;
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, number(sizeof(info)), &info) <= 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee->failing)
		tracee_fail(tracee);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !tracee->counting || tracee->over)
		return;
	if (info.entry.nr < CALL_MAX && !options->counts[info.entry.nr])
		return;
	if (++tracee->calls == options->at)
		tracee_hit(tracee, info.entry.nr);
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void tracee_follow(struct tracee *tracee)
{
	int status;

	while (waitpid(tracee->pid, &status, __WALL) == tracee->pid) {
		int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;

		if (WIFEXITED(status))
			dprintf(tracee->report, "end %ld exit %d\n", tracee->calls,
				WEXITSTATUS(status));
		if (WIFSIGNALED(status))
			dprintf(tracee->report, "end %ld signal %d\n", tracee->calls,
				WTERMSIG(status));
		if (!WIFSTOPPED(status))
			return;
		if (event == PTRACE_EVENT_STOP && is_stop_signal(signal)) {
			ptrace(PTRACE_LISTEN, tracee->pid, NULL, NULL);
			continue;
		}
		if (signal == (SIGTRAP | 0x80))
			tracee_on_call(tracee);
		else if (!event && !(signal == SIGTRAP && entry_reached(tracee)))
			deliver = signal;
		ptrace(tracee->over ? PTRACE_CONT : PTRACE_SYSCALL, tracee->pid, NULL,
		       number(deliver));
	}
}

/* ---- Which process -----------------------------------------------------------------------------
 */

static void tracee_begin(struct tracee *tracee, pid_t pid)
{
	tracee->pid = pid;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   number(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)) < 0)
		die("PTRACE_SETOPTIONS");
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
}

/* Goes on until the program executes. Return: false if it does not. */
static bool wait_for_exec(pid_t program)
{
	int status;

	while (waitpid(program, &status, __WALL) == program && WIFSTOPPED(status)) {
		if (status >> 16 == PTRACE_EVENT_EXEC)
			return true;
		ptrace(PTRACE_CONT, program, NULL, number(status >> 16 ? 0 : WSTOPSIG(status)));
	}
	return false;
}

/* Lets all children go but the K-th, and then the program. Return: its pid, 0 if there is none. */
static pid_t wait_for_child(pid_t program, long wanted)
{
	long born = 0;
	int status;

	ptrace(PTRACE_CONT, program, NULL, NULL);
	while (waitpid(program, &status, __WALL) == program && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status), event = status >> 16;
		unsigned long child;
		int child_status;

		if (event == PTRACE_EVENT_STOP && is_stop_signal(signal)) {
			ptrace(PTRACE_LISTEN, program, NULL, NULL);
			continue;
		}
		if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		    event == PTRACE_EVENT_CLONE) {
			ptrace(PTRACE_GETEVENTMSG, program, NULL, &child);
			waitpid((pid_t)child, &child_status, __WALL);
			if (++born == wanted) {
				ptrace(PTRACE_DETACH, program, NULL, NULL);
				return (pid_t)child;
			}
			ptrace(PTRACE_DETACH, (pid_t)child, NULL, NULL);
		}
		ptrace(PTRACE_CONT, program, NULL, number(event ? 0 : signal));
	}
	return 0;
}

static void trace(const struct options *options, pid_t program, int ready)
{
	struct tracee tracee = {.options = options};
	long seize = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC;

	if (options->process > 0)
		seize |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	tracee.report =
		open(options->report, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (tracee.report < 0)
		die(options->report);
	if (ptrace(PTRACE_SEIZE, program, NULL, number(seize)) < 0)
		die("PTRACE_SEIZE");
	close(STDIN_FILENO);
	close(STDOUT_FILENO); /* its end is the program's end; standard error stays for die() */
	close(ready);
	if (!wait_for_exec(program))
		return;
	if (options->process == 0) {
		tracee.counting = options->from_exec;
		tracee.pid = program;
		if (!options->from_exec)
			entry_break(&tracee);
		tracee_begin(&tracee, program);
	} else {
		pid_t child = wait_for_child(program, options->process);

		if (!child) {
			dprintf(tracee.report, "end 0 unborn\n");
			return;
		}
		tracee.counting = true;
		tracee_begin(&tracee, child);
	}
	tracee_follow(&tracee);
}

int main(int argc, char **argv)
{
	struct options options;
	char **program = options_parse(&options, argv);
	pid_t self = getpid(), child;
	int ready[2];
	char none;

	(void)argc;
	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe2");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		close(ready[0]);
		if (fork() == 0)
			trace(&options, self, ready[1]);
		_exit(0);
	}
	close(ready[1]);
	waitpid(child, NULL, 0);
	/* The tracer closes its end when it holds us. */
	if (read(ready[0], &none, 1) < 0)
		die("read");
	close(ready[0]);
	execvp(program[0], program);
	die(program[0]);
}
