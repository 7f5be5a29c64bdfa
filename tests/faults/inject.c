// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inject.c - starts a program and makes system calls of its processes go wrong.
 *
 * usage: inject --report FILE [--user ID] FAULT [--and FAULT]... -- PROGRAM [ARGUMENT]...
 *
 * FAULT: [--process K] [--from-exec] [--after I] [--gate FILE] [--only A,B | --except A,B]
 *        [--at N (--kill | --errno NUMBER)]
 *
 *	--process K    0, the default: PROGRAM itself; 1, 2, ...: the K-th process that it forks;
 *	               101, 102, ...: those that its first one forks; and so on
 *	--from-exec    of process 0, count the calls of the dynamic loader as well
 *	--after I      count from the moment when the I-th fault (from 1) has happened
 *	--gate FILE    count from the moment when there is such a file
 *	--only, --except   count these calls, or all but these, by name
 *	--at N         at the N-th call that counts (from 1): before it is made, kill the process;
 *	               or return this errno instead of making the call
 *
 * PROGRAM runs as the user, and the group, of that ID, without other groups; the tracer does not.
 *
 * FILE gets "hit I N NAME ARGUMENT", with the call's first argument, when the I-th fault happens (2
 * stands for each descriptor of what is the process's stderr, opened once more or not); and when
 * its process has ended "end I CALLS HOW": the number of calls that counted (after the fault they
 * are no longer counted), and "exit CODE", "signal NUMBER", or "unborn" where there was no K-th
 * process.
 *
 * The tracer is a grandchild, so PROGRAM keeps our pid, and has no child that it does not know of.
 * Only the processes that are named are traced, and those that fork them until the last of these is
 * there.
 *
 * The loader's calls are those before the program's entry point (_start): a breakpoint stands
 * there. If one of those fails, the loader ends the process before the program has any say in it.
 *
 * Two calls fail in a way of their own. close() is made all the same: the kernel releases the
 * descriptor whatever it returns. brk() returns no error, but the old break.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/ptrace.h has the structure as well, but cannot be included together with sys/ptrace.h. */
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

enum {
	CALL_MAX = 1024,
	FAULT_MAX = 32,
	TRACEE_MAX = 2 * FAULT_MAX + 1,
	PROCESS_MAX = 64,
	CHILDREN = 100, /* the I-th process that process K forks has the number K * CHILDREN + I */
};

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

struct fault {
	long process;
	bool from_exec;
	long after;       /* number of another fault; 0: none */
	const char *gate; /* NULL: none */
	long at;          /* 0: never */
	bool kill;
	int error;
	bool counts[CALL_MAX];

	long calls;
	bool is_born;   /* its process */
	bool has_begun; /* its calls count */
	bool over;      /* it has happened */
};

struct options {
	const char *report;
	unsigned int user; /* 0: who has started this */
	struct fault faults[FAULT_MAX];
	long count;
};

struct tracee {
	long process;
	pid_t pid;
	long born; /* processes that it has forked */
	bool counting;
	unsigned long entry;   /* address of the breakpoint, 0: none */
	long entry_text;       /* what stood there */
	struct fault *failing; /* we are in the call that fails */
	bool is_brk;           /* and it is brk(), with this argument */
	unsigned long brk;
};

struct session {
	struct options *options;
	int report;
	struct tracee tracees[TRACEE_MAX];
	size_t count;
	/* that have stopped before their parent's fork was reported */
	pid_t early[PROCESS_MAX];
	size_t early_count;
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
static void fault_count(struct fault *fault, char *names, bool count)
{
	for (size_t i = 0; i < CALL_MAX; i++)
		fault->counts[i] = !count;
	for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
		for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
			if (strcmp(CALLS[i].name, name) == 0 && CALLS[i].number < CALL_MAX)
				fault->counts[CALLS[i].number] = count;
}

/* Return: whether there is such an option with a value. */
static bool fault_take(struct fault *fault, const char *name, char *value)
{
	if (strcmp(name, "--process") == 0)
		fault->process = strtol(value, NULL, 10);
	else if (strcmp(name, "--after") == 0)
		fault->after = strtol(value, NULL, 10);
	else if (strcmp(name, "--gate") == 0)
		fault->gate = value;
	else if (strcmp(name, "--at") == 0)
		fault->at = strtol(value, NULL, 10);
	else if (strcmp(name, "--errno") == 0)
		fault->error = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--only") == 0 || strcmp(name, "--except") == 0)
		fault_count(fault, value, strcmp(name, "--only") == 0);
	else
		return false;
	return true;
}

/* Return: the next one, or NULL if there are too many. */
static struct fault *options_add(struct options *options)
{
	struct fault *fault = &options->faults[options->count];
	char none[] = "";

	if (options->count == FAULT_MAX)
		return NULL;
	options->count++;
	*fault = (struct fault){0};
	fault_count(fault, none, false);
	return fault;
}

/* Return: the program and its arguments. */
static char **options_parse(struct options *options, char **argv)
{
	struct fault *fault = options_add(options);

	while (*++argv && strcmp(*argv, "--") != 0) {
		if (strcmp(*argv, "--kill") == 0)
			fault->kill = true;
		else if (strcmp(*argv, "--from-exec") == 0)
			fault->from_exec = true;
		else if (strcmp(*argv, "--and") == 0 && options->count < FAULT_MAX)
			fault = options_add(options);
		else if (strcmp(*argv, "--report") == 0 && argv[1])
			options->report = *++argv;
		else if (strcmp(*argv, "--user") == 0 && argv[1])
			options->user = (unsigned int)strtoul(*++argv, NULL, 10);
		else if (argv[1] && fault_take(fault, argv[0], argv[1]))
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

/* Its faults: those of its process that have not happened yet. */
static bool tracee_has_fault(const struct tracee *tracee, const struct session *session)
{
	for (long i = 0; i < session->options->count; i++)
		if (session->options->faults[i].process == tracee->process &&
		    !session->options->faults[i].over)
			return true;
	return false;
}

/* Is there a fault of a process that it, or one of its children, will fork? */
static bool tracee_will_fork(const struct tracee *tracee, const struct session *session)
{
	for (long i = 0; i < session->options->count; i++) {
		long process = session->options->faults[i].process;

		while (process && process / CHILDREN != tracee->process)
			process /= CHILDREN;
		if (process && process % CHILDREN > tracee->born)
			return true;
	}
	return false;
}

static void tracee_go_on(const struct tracee *tracee, const struct session *session, int signal)
{
	bool is_followed = tracee->failing || tracee_has_fault(tracee, session);

	ptrace(is_followed ? PTRACE_SYSCALL : PTRACE_CONT, tracee->pid, NULL, number(signal));
}

static bool fault_has_begun(struct fault *fault, const struct session *session)
{
	if (!fault->has_begun)
		fault->has_begun =
			(!fault->after || session->options->faults[fault->after - 1].over) &&
			(!fault->gate || access(fault->gate, F_OK) == 0);
	return fault->has_begun;
}

static void tracee_hit(struct tracee *tracee, struct fault *fault, unsigned long number)
{
	registers regs;

	if (fault->kill) {
		kill(tracee->pid, SIGKILL);
		fault->over = true;
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
	tracee->failing = fault;
}

/* At the exit of the call that fails. */
static void tracee_fail(struct tracee *tracee)
{
	registers regs;

	registers_get(tracee->pid, &regs);
	if (!tracee->is_brk)
		registers_set_result(&regs, -tracee->failing->error);
#ifdef __x86_64__ /* where the result has a register of its own, and a caller may count on the \
		     argument */
	if (tracee->is_brk)
		registers_set_argument(&regs, tracee->brk);
#endif
	registers_set(tracee->pid, &regs);
	tracee->failing->over = true;
	tracee->failing = NULL;
}

static bool tracee_stat(const struct tracee *tracee, long long descriptor, struct stat *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/fd/%lld", (long)tracee->pid, descriptor);
	return stat(path, ret) == 0;
}

/* The argument, or STDERR_FILENO if it is a descriptor of the same file. */
static long long tracee_argument(const struct tracee *tracee, unsigned long long argument)
{
	long long descriptor = (long long)argument;
	struct stat file, err;

	if (tracee_stat(tracee, descriptor, &file) && tracee_stat(tracee, STDERR_FILENO, &err) &&
	    file.st_dev == err.st_dev && file.st_ino == err.st_ino)
		return STDERR_FILENO;
	return descriptor;
}

static void tracee_enter(struct tracee *tracee, struct session *session, unsigned long call,
			 unsigned long long argument)
{
	for (long i = 0; i < session->options->count; i++) {
		struct fault *fault = &session->options->faults[i];

		if (fault->process != tracee->process || fault->over ||
		    !(tracee->counting || fault->from_exec) || !fault_has_begun(fault, session) ||
		    (call < CALL_MAX && !fault->counts[call]))
			continue;
		if (++fault->calls != fault->at)
			continue;
		dprintf(session->report, "hit %ld %ld %s %lld\n", i + 1, fault->calls,
			call_name(call), tracee_argument(tracee, argument));
		tracee_hit(tracee, fault, call);
		return;
	}
}

static void tracee_on_call(struct tracee *tracee, struct session *session)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, number(sizeof(info)), &info) <= 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee->failing)
		tracee_fail(tracee);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		tracee_enter(tracee, session, info.entry.nr, info.entry.args[0]);
}

static void tracee_on_end(const struct tracee *tracee, const struct session *session, int status)
{
	for (long i = 0; i < session->options->count; i++) {
		const struct fault *fault = &session->options->faults[i];

		if (fault->process == tracee->process)
			dprintf(session->report, "end %ld %ld %s %d\n", i + 1, fault->calls,
				WIFEXITED(status) ? "exit" : "signal",
				WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	}
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void tracee_on_stop(struct tracee *tracee, struct session *session, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;

	if (event == PTRACE_EVENT_STOP && is_stop_signal(signal)) {
		ptrace(PTRACE_LISTEN, tracee->pid, NULL, NULL);
		return;
	}
	if (signal == (SIGTRAP | 0x80))
		tracee_on_call(tracee, session);
	else if (!event && !(signal == SIGTRAP && entry_reached(tracee)))
		deliver = signal;
	tracee_go_on(tracee, session, deliver);
}

/* ---- Which process -----------------------------------------------------------------------------
 */

static struct tracee *session_add(struct session *session, long process, pid_t pid)
{
	struct tracee *tracee = &session->tracees[session->count++];
	long options = 0;

	*tracee = (struct tracee){.process = process, .pid = pid, .counting = process > 0};
	if (tracee_will_fork(tracee, session))
		options = PTRACE_O_TRACEFORK; /* not what shares its memory: pasta(1) makes many */
	for (long i = 0; i < session->options->count; i++)
		if (session->options->faults[i].process == process)
			session->options->faults[i].is_born = true;
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	       number(options | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD));
	return tracee;
}

static struct tracee *session_find(struct session *session, pid_t pid)
{
	for (size_t i = 0; i < session->count; i++)
		if (session->tracees[i].pid == pid)
			return &session->tracees[i];
	return NULL;
}

static bool session_wants(const struct session *session, long process)
{
	const struct tracee any = {.process = process};

	return tracee_has_fault(&any, session) || tracee_will_fork(&any, session);
}

static bool session_forget_early(struct session *session, pid_t pid)
{
	for (size_t i = 0; i < session->early_count; i++)
		if (session->early[i] == pid) {
			session->early[i] = session->early[--session->early_count];
			return true;
		}
	return false;
}

/* A process that is not known (yet): a child may stop before its parent's fork is reported. */
static void session_on_stranger(struct session *session, pid_t pid, int status)
{
	if (!WIFSTOPPED(status))
		session_forget_early(session, pid);
	else if (session->early_count < PROCESS_MAX)
		session->early[session->early_count++] = pid;
}

/* PARENT stands still, and has just forked. */
static void session_on_fork(struct session *session, struct tracee *parent)
{
	long process = parent->process * CHILDREN + ++parent->born;
	unsigned long child = 0;
	int status;

	ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &child);
	if (!session_forget_early(session, (pid_t)child))
		waitpid((pid_t)child, &status, __WALL);
	if (session_wants(session, process))
		tracee_go_on(session_add(session, process, (pid_t)child), session, 0);
	else
		ptrace(PTRACE_DETACH, (pid_t)child, NULL, NULL);
	if (tracee_will_fork(parent, session) || tracee_has_fault(parent, session)) {
		tracee_go_on(parent, session, 0);
		return;
	}
	ptrace(PTRACE_DETACH, parent->pid, NULL, NULL);
	parent->pid = 0;
}

static void session_follow(struct session *session)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct tracee *tracee = session_find(session, pid);

		if (!tracee) {
			session_on_stranger(session, pid, status);
		} else if (!WIFSTOPPED(status)) {
			tracee_on_end(tracee, session, status);
			tracee->pid = 0;
		} else if (status >> 16 == PTRACE_EVENT_FORK) {
			session_on_fork(session, tracee);
		} else {
			tracee_on_stop(tracee, session, status);
		}
	}
	for (long i = 0; i < session->options->count; i++)
		if (!session->options->faults[i].is_born)
			dprintf(session->report, "end %ld 0 unborn\n", i + 1);
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

/* PROGRAM is at its beginning. */
static void session_begin(struct session *session, pid_t program)
{
	struct tracee *tracee = session_add(session, 0, program);
	bool is_loaded = true;

	for (long i = 0; i < session->options->count; i++) {
		const struct fault *fault = &session->options->faults[i];

		is_loaded = is_loaded && (fault->process > 0 || fault->from_exec);
	}
	if (!is_loaded)
		entry_break(tracee);
	tracee_go_on(tracee, session, 0);
}

static void trace(struct options *options, pid_t program, int ready)
{
	static struct session session;

	session.options = options;
	session.report =
		open(options->report, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (session.report < 0)
		die(options->report);
	if (ptrace(PTRACE_SEIZE, program, NULL, number(PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC)) < 0)
		die("PTRACE_SEIZE");
	close(STDIN_FILENO);
	close(STDOUT_FILENO); /* its end is the program's end; standard error stays for die() */
	close(ready);
	if (!wait_for_exec(program))
		return;
	session_begin(&session, program);
	session_follow(&session);
}

int main(int argc, char **argv)
{
	static struct options options;
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
	if (options.user &&
	    (setgroups(0, NULL) < 0 || setresgid(options.user, options.user, options.user) < 0 ||
	     setresuid(options.user, options.user, options.user) < 0))
		die("--user");
	execvp(program[0], program);
	die(program[0]);
}
