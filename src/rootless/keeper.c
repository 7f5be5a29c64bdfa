// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keeper.c - holds one pasta for IPv4, and one for IPv6.
 *
 * They are two, because pasta's ports are given at its start: IPv6 ports come later, and the IPv4
 * connections must live on when pasta begins again for their sake.
 *
 * pasta puts itself into the background when it is ready, so it becomes a child of process 1, which
 * is this one.
 */
#include "rootless/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fdpass.h"
#include "base/process.h"
#include "rootless/pasta.h"
#include "rootless/userns.h"

struct keeper {
	int socket;
	int children; /* signalfd of SIGCHLD */
	char network[PASTA_PATH_MAX];
	struct pasta ipv4, ipv6;
	const struct nat_port *ports; /* @port_count of them: on the host */
	size_t port_count;
	unsigned int served;
	bool is_failure_told; /* why there is no pasta for IPv6 */
};

/* ---- Its place ---- */

static int keeper_leave_terminal(int socket)
{
	AUTO_CLOSE int null = -1;

	error_redirect(NULL, NULL);
	setsid();
	prctl(PR_SET_NAME, "uva_gate");
	process_keep_fds(&socket, 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return error_report(-errno, "the gate cannot use /dev/null");
	return chdir("/") < 0 ? error_report(-errno, "the gate cannot enter /") : 0;
}

/* The pid namespace's own; that it can be mounted is also what the copies need. */
static int keeper_mount_proc(void)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	if (errno == EPERM)
		return error_say(-EPERM,
				 "parts of /proc are hidden here (a container?), so a plain "
				 "user cannot mount it: start it outside, or with sudo");
	return error_report(-errno, "cannot mount /proc");
}

/*
 * Makes the file by which pasta finds the network namespace: /run/user/UID/netns/uva, in a mount
 * namespace where nobody else sees it. Podman keeps its namespaces in that directory, so pasta's
 * AppArmor profile allows it. Where there is no /run/user/UID, what is above is covered.
 */
static int keeper_make_netns(char path[PASTA_PATH_MAX])
{
	char directory[PASTA_PATH_MAX / 2];
	const char *const parts[] = {directory, "/run/user", "/run"};
	size_t i = 0;
	int fd;

	snprintf(directory, sizeof(directory), "/run/user/%u", geteuid());
	while (i < 3 && mount("tmpfs", parts[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
		i++;
	if (i == 3)
		return -errno;
	while (i-- > 0)
		if (mkdir(parts[i], 0755) < 0)
			return -errno;
	snprintf(path, PASTA_PATH_MAX, "%s/netns", directory);
	if (mkdir(path, 0755) < 0)
		return -errno;
	snprintf(path, PASTA_PATH_MAX, "%s/netns/uva", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int keeper_mount_network(struct keeper *keeper)
{
	AUTO_CLOSE int network = -1;
	char source[64], nothing;
	struct pollfd ready = {.fd = keeper->socket, .events = POLLIN};
	int err;

	while (poll(&ready, 1, -1) < 0)
		;
	err = fdpass_receive(keeper->socket, &nothing, sizeof(nothing), &network, 1);
	if (err == -EPIPE) /* the manager has ended, or will */
		return err;
	if (err)
		return error_report(err, "the gate does not get the network namespace");
	err = keeper_make_netns(keeper->network);
	if (err)
		return error_report(err, "cannot make a file for pasta in /run/user");
	snprintf(source, sizeof(source), "/proc/self/fd/%d", network);
	if (mount(source, keeper->network, NULL, MS_BIND, NULL) < 0)
		return error_report(-errno, "cannot mount the network namespace at %s",
				    keeper->network);
	return 0;
}

static int keeper_set_up(struct keeper *keeper)
{
	sigset_t signals;
	int err = keeper_mount_proc();

	if (err)
		return err;
	err = keeper_mount_network(keeper);
	if (err)
		return err;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	keeper->children = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return keeper->children < 0 ? error_report(-errno, "cannot wait for pasta") : 0;
}

/* ---- pasta ---- */

static int keeper_answer(const struct keeper *keeper)
{
	int err = fdpass_tell(keeper->socket, &keeper->served, sizeof(keeper->served));

	return err ? error_report(err, "the gate cannot reach the manager") : 0;
}

static int keeper_start(struct keeper *keeper)
{
	int err;

	for (size_t i = 0; i < keeper->port_count; i++) {
		if (keeper->ports[i].address.family == AF_INET6)
			continue;
		err = pasta_add_port(&keeper->ipv4, &keeper->ports[i]);
		if (err)
			return err;
	}
	err = pasta_start(&keeper->ipv4, keeper->network, 0, keeper->socket);
	if (err)
		return err == -ECHILD ? pasta_report(&keeper->ipv4) : err;
	/* Without it, IPv6 lacks; that is said when a copy wants it. */
	err = pasta_start(&keeper->ipv6, keeper->network, keeper->ipv4.pid, keeper->socket);
	return err == -ECHILD ? 0 : err;
}

/* @inside: as the run's network knows the port, without an address. */
static int keeper_add_ipv6(struct keeper *keeper, const struct nat_port *inside)
{
	for (size_t i = 0; i < keeper->port_count; i++)
		if (keeper->ports[i].protocol == inside->protocol &&
		    keeper->ports[i].number == inside->number &&
		    keeper->ports[i].address.family != AF_INET)
			return pasta_add_port(&keeper->ipv6, &keeper->ports[i]);
	return 0;
}

/* Takes all requests that are there. Return: 0; -EPIPE: there will be no more; or another -errno.
 */
static int keeper_hear(struct keeper *keeper)
{
	struct nat_port port;
	int err;

	while (!(err = fdpass_hear(keeper->socket, &port, sizeof(port)))) {
		err = keeper_add_ipv6(keeper, &port);
		if (err)
			return err;
		keeper->served++;
	}
	if (err == -EAGAIN)
		return 0;
	return err == -EPIPE ? err : error_report(err, "the gate cannot hear the manager");
}

/* The answer comes in any case: IPv4 works without IPv6. */
static int keeper_let_in(struct keeper *keeper)
{
	int is_possible = pasta_is_possible(&keeper->ipv6);
	int err;

	if (is_possible < 0)
		return is_possible;
	if (!is_possible) /* nobody can call, so nothing lacks */
		return keeper_answer(keeper);
	err = pasta_stop(&keeper->ipv6);
	if (!err)
		err = pasta_start(&keeper->ipv6, keeper->network, keeper->ipv4.pid, keeper->socket);
	if (err == -ECHILD && !keeper->is_failure_told)
		pasta_report(&keeper->ipv6);
	keeper->is_failure_told |= err == -ECHILD;
	return err && err != -ECHILD ? err : keeper_answer(keeper);
}

/* Return: 0 or -ECHILD, reported: one of them has ended. */
static int keeper_reap(struct keeper *keeper)
{
	struct signalfd_siginfo info;
	char how[64];
	int status;
	pid_t pid;

	while (read(keeper->children, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != keeper->ipv4.pid && pid != keeper->ipv6.pid)
			continue;
		process_format_end(status, how, sizeof(how));
		return error_say(-ECHILD, "pasta %s (see the system's log): stopping", how);
	}
	return 0;
}

static int keeper_live(struct keeper *keeper)
{
	struct pollfd fds[] = {{.fd = keeper->socket, .events = POLLIN},
			       {.fd = keeper->children, .events = POLLIN}};
	int err = keeper_answer(keeper);

	while (!err) {
		unsigned int before = keeper->served;

		if (poll(fds, 2, -1) < 0)
			continue;
		err = keeper_reap(keeper);
		if (!err)
			err = keeper_hear(keeper);
		if (!err && keeper->served != before)
			err = keeper_let_in(keeper);
	}
	return err;
}

int keeper_main(int socket, const struct nat_port *ports, size_t count)
{
	struct keeper keeper = {
		.socket = socket,
		.children = -1,
		.ports = ports,
		.port_count = count,
		.ipv4 = {.family = AF_INET},
		.ipv6 = {.family = AF_INET6},
	};
	int err = keeper_leave_terminal(socket);

	if (!err)
		err = keeper_set_up(&keeper);
	if (!err)
		err = keeper_start(&keeper);
	if (!err)
		err = keeper_live(&keeper);
	pasta_free(&keeper.ipv4);
	pasta_free(&keeper.ipv6);
	return err == -EPIPE || err == -ECANCELED ? EXIT_SUCCESS : EXIT_FAILURE;
}
