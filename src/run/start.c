// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * start.c - the way up. Each step begins when the one before it has ended:
 *   1. check everything that can be checked without changing anything; bind to the host ports
 *      without root: go to a network of our own, wait until it is connected (rootless/gate.h)
 *   2. start the guardian, and the child that makes the copies' mounts; wait for its answer
 *   3. make the network; let the next start go on
 *   4. start the copies, some at a time, so that signals are handled between them (crew.c)
 */
#include "run/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mount.h"
#include "base/process.h"
#include "host/privilege.h"

enum {
	START_FILES = 160,        /* descriptors of the manager */
	START_FILES_DOOR = 144,   /* of a front door: its clients (run_loop()) */
	START_FILES_PER_COPY = 7, /* how many more for each */
	START_FILES_PER_PORT = 4,
	START_GATE_MS = 10000,
	START_GUARDIAN_MS = 10000, /* it waits for a lock, and undoes what others have left */
};

static int start_check_program(const char *program)
{
	struct stat st;

	if (!strchr(program, '/'))
		return 0;
	if (stat(program, &st) < 0 && errno == ENOENT)
		return error_say(-ENOENT, "no %s: start in the directory that holds it", program);
	if (stat(program, &st) < 0)
		return error_report(-errno, "%s", program);
	if (!S_ISREG(st.st_mode))
		return error_say(-EACCES, "%s is no regular file", program);
	if (access(program, X_OK) < 0)
		return error_say(-EACCES, "%s is not executable (chmod +x)", program);
	return 0;
}

/* Somebody who has used chroot(8) may not have mounted them. */
static int start_check_root(void)
{
	static const char *const NEEDED[] = {"/proc/self/ns/mnt", "/dev/null", "/sys"};

	for (size_t i = 0; i < sizeof(NEEDED) / sizeof(NEEDED[0]); i++)
		if (access(NEEDED[i], F_OK) < 0)
			return error_say(-errno,
					 "no %s: in a chroot, mount /proc, /sys and /dev first",
					 NEEDED[i]);
	return 0;
}

/* Root without the capabilities is root of a container, where a user namespace gives none either.
 */
static bool start_is_rootless(void)
{
	return !privilege_is_there() && geteuid() != 0;
}

static struct cgroup_limits start_group_limits(const struct plan *plan)
{
	return (struct cgroup_limits){
		.memory_max = plan->memory_max,
		.cpu_per_mille = plan->cpu_per_mille,
		.pids_max = plan->pids_max,
	};
}

static int start_check(const struct plan *plan)
{
	const struct cgroup_limits group_limits = start_group_limits(plan);
	struct limits limits = {0};
	int err = plan_check(plan);

	if (err)
		return err;
	limits_set_plan(&limits, plan);
	err = limits_check(&limits);
	if (err)
		return err;
	err = cgroup_check(&group_limits);
	if (err)
		return err;
	if (!start_is_rootless()) {
		err = privilege_check();
		if (err)
			return err;
	}
	err = start_check_program(plan->argv[0]);
	if (err)
		return err;
	err = start_check_root();
	if (err)
		return err;
	if (!mount_is_supported())
		return error_say(-ENOSYS, "needs Linux 5.12 or newer (mount_setattr)");
	return 0;
}

int start_raise_file_limit(size_t copies, size_t ports, struct rlimit *ret_before)
{
	unsigned int needed =
		(unsigned int)(START_FILES + START_FILES_DOOR + copies * START_FILES_PER_COPY +
			       ports * START_FILES_PER_PORT);
	int err = process_raise_file_limit(needed, ret_before);

	return err ? error_report(err, "cannot have %u open files (ulimit -Hn)", needed) : 0;
}

static struct nat_port start_port(const struct plan_port *port, unsigned int number)
{
	return (struct nat_port){port->protocol, plan_host_port(port, number), port->address};
}

/*
 * Without root, the gate has the addresses of the host. In the run's own network, whatever comes
 * through the gate comes to the same address.
 */
static int start_open_mappings(struct run *run)
{
	const struct plan *plan = run->plan;

	for (unsigned int number = 1; number <= plan->copies; number++)
		for (size_t i = 0; i < plan->port_count; i++) {
			const struct plan_port *planned = &plan->ports[i];
			struct nat_port port = start_port(planned, number);
			int err = 0;

			if (run->gate.pidfd >= 0)
				port.address = (struct address){0};
			if (!planned->is_shared)
				err = crew_add_mapping(&run->crew, port, planned->copy_port,
						       number);
			else if (number == 1)
				err = crew_share(&run->crew, port, planned->copy_port,
						 plan->balance);
			if (err)
				return err;
		}
	return 0;
}

/*
 * The guardian has taken a lock that keeps other starts waiting. It is released at the end: by then
 * this run has taken its names, addresses and ports, which no other start may take.
 */
static int start_make_network(struct run *run)
{
	int err = ports_check(&run->crew.ports);

	if (err)
		return err;
	err = network_open(&run->network, run->plan, &run->loop, &run->log, &run->guardian,
			   run_on_bridge_gone, run);
	if (err)
		return err;
	err = ports_install(&run->crew.ports, &run->network.nat);
	if (err)
		return err;
	for (unsigned int i = 0; i < run->plan->copies; i++) {
		err = crew_add(&run->crew);
		if (err)
			return err;
	}
	err = network_install(&run->network);
	if (err)
		return err;
	err = crew_hold_ports(&run->crew);
	if (err)
		return err;
	run->is_installed = true;
	guardian_unlock_start(&run->guardian);
	return 0;
}

static int start_make(struct run *run)
{
	const struct cgroup_limits group_limits = start_group_limits(run->plan);
	int err = start_make_network(run);

	if (err)
		return err;
	err = places_open(&run->places);
	if (err)
		return err;
	err = mounts_finish(&run->mounts, &run->slots);
	if (err)
		return err;
	err = cgroup_open(&run->cgroup, &group_limits, &run->log);
	if (err)
		return err;
	run->phase = RUN_STARTING;
	crew_start(&run->crew);
	return 0;
}

static void start_on_answer(void *data, uint32_t events)
{
	struct run *run = data;
	int err = guardian_receive(&run->guardian, &run->log);

	(void)events;
	if (err == -EAGAIN)
		return;
	loop_forget(&run->loop, &run->answer);
	loop_clear_timer(&run->loop, &run->answer_timer);
	if (run->phase != RUN_WAITING)
		return;
	if (!err)
		err = start_make(run);
	if (err)
		run_end(run, err);
}

static void start_on_guardian_end(void *data, uint32_t events)
{
	struct run *run = data;

	(void)events;
	loop_forget(&run->loop, &run->watchdog);
	/* If the guardian has not answered, it has said why it ended, or guardian_finish() will. */
	if (run->guardian.has_answered && run->phase < RUN_ENDING)
		error_say(0, "the guardian has been killed: stopping");
	run_end(run, -EPIPE);
}

static void start_on_answer_late(void *data)
{
	run_end(data, error_say(-ETIMEDOUT, "the guardian does not answer: stopping"));
}

/* Every copy inherits the manager's end of the lifeline, so it needs a low number. */
static int start_keep_lifeline(struct run *run)
{
	int kept = container_slots_keep(&run->slots, run->guardian.lifeline);

	if (kept < 0)
		return error_report(kept, "cannot keep the socket to the guardian");
	run->guardian.lifeline = kept;
	return 0;
}

static int start_guardian(struct run *run)
{
	int err;

	run->guardian.run = run->plan->name;
	err = guardian_start(&run->guardian, network_names_are_taken, (void *)run->plan);

	if (err)
		return err;
	err = start_keep_lifeline(run);
	if (err)
		return err;
	run->answer = (struct loop_source){
		.fd = run->guardian.lifeline, .on_event = start_on_answer, .data = run};
	run->watchdog = (struct loop_source){
		.fd = run->guardian.pidfd, .on_event = start_on_guardian_end, .data = run};
	err = loop_watch(&run->loop, &run->answer, EPOLLIN);
	if (!err)
		err = loop_watch(&run->loop, &run->watchdog, EPOLLIN);
	if (err)
		return error_report(err, "cannot watch the guardian");
	run->answer_timer = (struct loop_timer){.on_time = start_on_answer_late, .data = run};
	loop_set_timer(&run->loop, &run->answer_timer, START_GUARDIAN_MS);
	return mounts_begin(&run->mounts, &run->loop);
}

/* ---- Without root ---- */

static void start_on_gate_late(void *data)
{
	run_end(data, error_say(-ETIMEDOUT, "pasta does not get ready: stopping"));
}

static void start_on_gate(void *data, uint32_t events)
{
	struct run *run = data;
	bool was_there = run->gate.is_there;
	int err = gate_receive(&run->gate);

	(void)events;
	if (err == -EAGAIN)
		return;
	loop_clear_timer(&run->loop, &run->gate_timer);
	if (err)
		loop_forget(&run->loop, &run->gate_source);
	if (!err && !was_there && run->phase == RUN_WAITING)
		err = start_guardian(run);
	if (err)
		run_end(run, err);
}

/* The host ports of the plan. Return: owned, @ret_count of them; or NULL. */
static struct nat_port *start_list_ports(const struct plan *plan, size_t *ret_count)
{
	size_t count = 0;
	struct nat_port *ports =
		calloc(plan->copies * plan->port_count + 1, sizeof(*ports)); /* never 0 */

	for (unsigned int number = 1; ports && number <= plan->copies; number++)
		for (size_t i = 0; i < plan->port_count; i++)
			if (number == 1 || !plan->ports[i].is_shared)
				ports[count++] = start_port(&plan->ports[i], number);
	*ret_count = count;
	return ports;
}

static int start_open_gate(struct run *run)
{
	const struct plan *plan = run->plan;
	size_t count;
	struct nat_port *ports = start_list_ports(plan, &count);
	int err;

	if (!ports)
		return error_report(-ENOMEM, "cannot begin the run");
	err = gate_open(&run->gate, ports, count);
	free(ports);
	if (err)
		return err;
	run->guardian.held = run->gate.socket;
	run->gate_source = (struct loop_source){
		.fd = run->gate.socket, .on_event = start_on_gate, .data = run};
	err = loop_watch(&run->loop, &run->gate_source, EPOLLIN);
	if (err)
		return error_report(err, "cannot watch the process that holds pasta");
	run->gate_timer = (struct loop_timer){.on_time = start_on_gate_late, .data = run};
	loop_set_timer(&run->loop, &run->gate_timer, START_GATE_MS);
	return 0;
}

/* Lets the manager have many descriptors. The copies have the caller's limits, and the plan's. */
static int start_set_limits(struct run *run)
{
	const struct plan *plan = run->plan;
	struct limits *limits = &run->crew.setting.limits;
	struct rlimit files;
	int err = start_raise_file_limit(plan->copies, plan->copies * plan->port_count, &files);

	limits_set(limits, RLIMIT_NOFILE, files);
	limits_set_plan(limits, plan);
	return err;
}

int start_begin(struct run *run)
{
	int err = start_check(run->plan);

	if (!err && start_is_rootless())
		err = start_open_gate(run);
	if (err)
		return err;
	err = start_set_limits(run);
	if (err)
		return err;
	err = run->plan->user ? identity_of_user(&run->identity, run->plan->user)
			      : identity_of_caller(&run->identity);
	if (err)
		return err;
	err = container_slots_open(&run->slots);
	if (err)
		return err;
	err = start_open_mappings(run);
	if (err || run->gate.pidfd >= 0)
		return err; /* start_on_gate() goes on */
	return start_guardian(run);
}
