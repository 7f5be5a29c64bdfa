// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exec_request.c - "exec": a program in a copy, for a client that holds the other ends of its
 * input and output.
 *
 * The first line of the answer comes with descriptors: to the program's terminal, or its pipes.
 * Nothing of the client's is ever in the copy. The last line but one is the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fdpass.h"
#include "portmux/exec.h"
#include "portmux/requests.h"
#include "run/visit.h"

struct exec {
	unsigned int number;       /* of the copy */
	struct loop_source report; /* of the program's end (enter_ask()); owned */
};

/* Both ends of what a program and its client share. */
struct exec_ends {
	int door[2]; /* each: ours, which the program gets; the client's */
	int messages[2], input[2], output[2];
};

static const struct exec_ends NO_ENDS = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};

static void exec_close(struct exec_ends *ends)
{
	int *pairs[] = {ends->door, ends->messages, ends->input, ends->output};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		fd_close(&pairs[i][0]);
		fd_close(&pairs[i][1]);
	}
}

/* @is_input: the program reads, and the client writes, without waiting. Return: 0 or -errno. */
static int exec_make_pipe(int ends[2], bool is_input)
{
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC) < 0)
		return -errno;
	ends[0] = pipe[is_input ? 0 : 1];
	ends[1] = pipe[is_input ? 1 : 0];
	return fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int exec_make_ends(struct exec_ends *ends, bool has_terminal)
{
	int err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends->door) < 0)
		return -errno;
	err = exec_make_pipe(ends->messages, false);
	if (!err && !has_terminal)
		err = exec_make_pipe(ends->input, true);
	return err || has_terminal ? err : exec_make_pipe(ends->output, false);
}

/* It is the first of the answer, so nothing waits to be written before it. */
static int exec_hand_over(const struct request *request, const struct exec_ends *ends,
			  bool has_terminal)
{
	const int fds[] = {ends->door[1], ends->messages[1], ends->input[1], ends->output[1]};

	return fdpass_send(request->source.fd, EXEC_BEGUN, strlen(EXEC_BEGUN), fds,
			   has_terminal ? EXEC_TERMINAL_FDS : EXEC_PIPES_FDS);
}

static void exec_fail(struct request *request, unsigned int number, int err)
{
	if (err == -ESRCH)
		request_fail(request, "copy %u does not run", number);
	else
		request_fail(request, "copy %u: %s", number, strerror(-err));
}

static void exec_on_program_end(void *data, uint32_t events)
{
	struct request *request = data;
	struct exec *exec = request->data;
	int status;

	(void)events;
	loop_forget(run_loop(request->run), &exec->report);
	status = enter_finish(&exec->report.fd);
	if (status < 0) {
		exec_fail(request, exec->number, status);
		return;
	}
	request_answer(request, json_pack("{s:i}", "status", status));
	request_done(request);
}

/* If the program has not ended, it is hung up. */
static void exec_on_request_end(struct request *request)
{
	struct exec *exec = request->data;

	loop_forget(run_loop(request->run), &exec->report);
	fd_close(&exec->report.fd);
	free(exec);
}

static int exec_watch(struct request *request, unsigned int number, int report)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec) {
		close(report);
		return -ENOMEM;
	}
	exec->number = number;
	exec->report = (struct loop_source){
		.fd = report, .on_event = exec_on_program_end, .data = request};
	request->data = exec;
	request->on_end = exec_on_request_end;
	return loop_watch(run_loop(request->run), &exec->report, EPOLLIN);
}

/* Return: 0 or -errno, for the client to be told. */
static int exec_start(struct request *request, unsigned int number, struct visit *visit,
		      struct exec_ends *ends)
{
	int err = exec_make_ends(ends, visit->terminal);
	int report;

	if (err)
		return err;
	visit->stdio[0] = ends->input[0];
	visit->stdio[1] = ends->output[0];
	visit->stdio[2] = ends->messages[0];
	visit->door = ends->door[0];
	report = run_visit_copy(request->run, number, visit);
	if (report < 0)
		return report;
	err = exec_watch(request, number, report);
	return err ? err : exec_hand_over(request, ends, visit->terminal);
}

static void exec_begin(struct request *request, unsigned int number, struct visit *visit)
{
	struct exec_ends ends = NO_ENDS;
	int err = exec_start(request, number, visit, &ends);

	exec_close(&ends);
	if (err)
		exec_fail(request, number, err);
}

/* ---- What the client asks for ---- */

/* Return: an array up to NULL, to be freed, its texts the request's; NULL: the request has failed.
 */
static const char **exec_read_command(struct request *request)
{
	const json_t *command = json_object_get(request->arguments, "argv");
	const char **argv = calloc(json_array_size(command) + 1, sizeof(*argv));
	const json_t *word;
	size_t i;

	if (!argv) {
		request_fail(request, "the manager has no memory left");
		return NULL;
	}
	json_array_foreach(command, i, word)
	{
		argv[i] = json_string_value(word);
		if (!argv[i])
			break;
	}
	if (argv[0] && i == json_array_size(command))
		return argv;
	free(argv);
	request_fail(request, "argv: is no array of texts, or an empty one");
	return NULL;
}

/* @ret_has: is a terminal wanted at all? */
static int exec_read_terminal(struct request *request, struct winsize *ret, bool *ret_has)
{
	unsigned int rows = 0, columns = 0;
	int err = request_number(request, "rows", &rows);

	if (!err)
		err = request_number(request, "columns", &columns);
	*ret_has = json_is_true(json_object_get(request->arguments, "terminal"));
	*ret = (struct winsize){.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	return err;
}

void request_exec(struct request *request)
{
	struct visit visit = {
		.variable = json_string_value(json_object_get(request->arguments, "variable"))};
	AUTO_FREE const char **argv = NULL;
	unsigned int number = 0;
	struct winsize size;
	bool has_terminal;

	if (request_copy(request, &number) < 0 ||
	    exec_read_terminal(request, &size, &has_terminal) < 0)
		return;
	if (!number) {
		request_fail(request, "copy: is missing");
		return;
	}
	argv = exec_read_command(request);
	if (!argv)
		return;
	visit.argv = (char *const *)argv;
	visit.terminal = has_terminal ? &size : NULL;
	exec_begin(request, number, &visit);
}
