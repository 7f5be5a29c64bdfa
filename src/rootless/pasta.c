// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pasta.c - its command line, its way into the background, and its messages.
 */
#include "rootless/pasta.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "rootless/userns.h"

static const char TUN[] = "/dev/net/tun";
static const char ADDRESSES6[] = "/proc/net/if_inet6";

/*
 * The run's end of the link, and pasta's. 169.254.2.1 and .2 are those that newer versions use
 * themselves on a host without a network (passt.git, conf.c: IP4_LL_GUEST_ADDR, IP4_LL_GUEST_GW).
 * Nothing outside of the run's network sees them, nor the IPv6 ones.
 */
#define PASTA_IPV4         "169.254.2.1"
#define PASTA_IPV4_PREFIX  "30"
#define PASTA_IPV4_GATEWAY "169.254.2.2"
#define PASTA_IPV6         "fd9c:5a1d:47e2::1"
#define PASTA_IPV6_GATEWAY "fe80::1"
/* Otherwise it takes that of a link of the host, and "lo" has none. The same as its own default. */
#define PASTA_MAC "9a:55:9a:55:9a:55"

enum { PASTA_ARGUMENTS_MAX = 48 };

/* ---- Is it there? ---- */

static bool pasta_is_in_path(void)
{
	const char *path = getenv("PATH");

	for (const char *part = path ? path : "/usr/bin:/bin"; part;) {
		size_t length = strcspn(part, ":");
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%.*s/pasta", (int)length, part);
		if (access(file, X_OK) == 0)
			return true;
		part = part[length] ? part + length + 1 : NULL;
	}
	return false;
}

int pasta_check(void)
{
	AUTO_CLOSE int tun = -1;

	if (!pasta_is_in_path())
		return error_say(-ENOENT, "without root, pasta is needed (apt install passt); or "
					  "start this with sudo");
	tun = open(TUN, O_RDWR | O_CLOEXEC);
	if (tun < 0)
		return error_report(-errno,
				    "%s, which pasta needs, cannot be opened: use sudo, or as root "
				    "`modprobe tun`, or give the container that device",
				    TUN);
	return 0;
}

/* With IPv6 off, the list of its addresses is empty, or not there. */
int pasta_is_possible(const struct pasta *pasta)
{
	FILE *file = pasta->family == AF_INET6 ? fopen(ADDRESSES6, "re") : NULL;
	int is_possible;

	if (pasta->family == AF_INET)
		return 1;
	if (!file)
		return errno == ENOENT ? 0 : error_report(-errno, "cannot read %s", ADDRESSES6);
	is_possible = fgetc(file) != EOF;
	if (ferror(file))
		is_possible = error_report(-errno, "cannot read %s", ADDRESSES6);
	fclose(file);
	return is_possible;
}

/* ---- Its arguments ---- */

/* Return: 0 or -ENOMEM. */
static int pasta_append(char **spec, const char *before, const char *between, uint16_t number)
{
	char *longer;

	if (asprintf(&longer, "%s%s%u", before, between, number) < 0)
		return -ENOMEM;
	free(*spec);
	*spec = longer;
	return 0;
}

/* @prefix: "192.0.2.1/". Return: 0 or -ENOMEM. */
static int pasta_add_ports(struct pasta *pasta, const char *prefix, const struct nat_port *port)
{
	struct pasta_ports *grown =
		reallocarray(pasta->ports, pasta->port_count + 1, sizeof(*grown));
	struct pasta_ports ports = {.protocol = port->protocol};

	if (!grown)
		return -ENOMEM;
	pasta->ports = grown;
	if (pasta_append(&ports.spec, prefix, "", port->number) < 0)
		return -ENOMEM;
	pasta->ports[pasta->port_count++] = ports;
	return 0;
}

int pasta_add_port(struct pasta *pasta, const struct nat_port *port)
{
	char prefix[ADDRESS_TEXT_MAX + 1], address[ADDRESS_TEXT_MAX];
	/* Without an address, IPv4's pasta would listen on IPv6, too. */
	const char *host = pasta->family == AF_INET ? "0.0.0.0" : "::";
	struct pasta_ports *ports = NULL;
	int err;

	if (port->address.family != AF_UNSPEC)
		host = address_format(&port->address, address);
	snprintf(prefix, sizeof(prefix), "%s/", host);
	for (size_t i = 0; i < pasta->port_count && !ports; i++)
		if (pasta->ports[i].protocol == port->protocol &&
		    strncmp(pasta->ports[i].spec, prefix, strlen(prefix)) == 0)
			ports = &pasta->ports[i];
	err = ports ? pasta_append(&ports->spec, ports->spec, ",", port->number)
		    : pasta_add_ports(pasta, prefix, port);
	return err ? error_report(err, "port %u: cannot be passed to pasta", port->number) : 0;
}

/*
 * pasta wants a link of the host as a model, of which we need nothing. For IPv6 versions of 2023
 * insist on one with a link-local address.
 */
static void pasta_find_model(char name[IFNAMSIZ])
{
	FILE *file = fopen(ADDRESSES6, "re");
	char line[128];

	snprintf(name, IFNAMSIZ, "lo");
	while (file && fgets(line, sizeof(line), file)) {
		/* "fe80...00ff 02 40 20 80     eth0": proc_pid_net(5) */
		const char *link = strrchr(line, ' ');

		if (strncmp(line, "fe80", 4) == 0 && link) {
			snprintf(name, IFNAMSIZ, "%.*s", (int)strcspn(link + 1, "\n"), link + 1);
			break;
		}
	}
	if (file)
		fclose(file);
}

/* Adds "-t SPEC" and "-u SPEC". */
static void pasta_put_ports(const struct pasta *pasta, const char **argv)
{
	bool has_tcp = false, has_udp = false;
	size_t count = 0;

	for (size_t i = 0; i < pasta->port_count; i++) {
		bool is_udp = pasta->ports[i].protocol == IPPROTO_UDP;

		argv[count++] = is_udp ? "-u" : "-t";
		argv[count++] = pasta->ports[i].spec;
		has_tcp |= !is_udp;
		has_udp |= is_udp;
	}
	/* "none" where there are none: by default it looks what is listened to, again and again. */
	if (!has_tcp) {
		argv[count++] = "-t";
		argv[count++] = "none";
	}
	if (!has_udp) {
		argv[count++] = "-u";
		argv[count] = "none";
	}
}

static void pasta_exec(const struct pasta *pasta, const char *network)
{
	const bool is_ipv4 = pasta->family == AF_INET;
	char model[IFNAMSIZ] = "lo";
	const char *const of_ipv4[] = {"-4",
				       "-I",
				       "pasta4",
				       "-a",
				       PASTA_IPV4,
				       "-n",
				       PASTA_IPV4_PREFIX,
				       "-g",
				       PASTA_IPV4_GATEWAY};
	const char *const of_ipv6[] = {"-6",       "-I", "pasta6",          "-a",
				       PASTA_IPV6, "-g", PASTA_IPV6_GATEWAY};
	const char *const of_both[] = {"-q", "--config-net", "-M", PASTA_MAC, "-i", model, "-T",
				       "none", "-U", "none",
				       /* the host's loopback is no business of a copy's */
				       "--no-map-gw", "--no-dhcp", "--no-dhcpv6", "--no-ra", "-D",
				       "none", "-S", "none", "--netns", network, "--netns-only"};
	const char *const *of_one = is_ipv4 ? of_ipv4 : of_ipv6;
	const char **argv =
		calloc(PASTA_ARGUMENTS_MAX + 2 * pasta->port_count, sizeof(*argv)); /* and NULL */
	size_t count = 0;

	if (!argv) {
		error_report(-ENOMEM, "cannot run");
		return;
	}
	if (!is_ipv4)
		pasta_find_model(model);
	argv[count++] = "pasta";
	for (size_t i = 0; i < (is_ipv4 ? sizeof(of_ipv4) : sizeof(of_ipv6)) / sizeof(*argv); i++)
		argv[count++] = of_one[i];
	for (size_t i = 0; i < sizeof(of_both) / sizeof(*argv); i++)
		argv[count++] = of_both[i];
	pasta_put_ports(pasta, argv + count);
	execvp("pasta", (char *const *)argv);
	error_report(-errno, "cannot run");
	free(argv);
}

/* ---- Its start ---- */

/* In the child. */
static void pasta_run(const struct pasta *pasta, const char *network, int messages)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(messages, STDERR_FILENO) < 0)
		return;
	/* Over the run's network; and to make itself a place without files, which it does first. */
	err = userns_pass_on(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_SETPCAP);
	if (!err)
		pasta_exec(pasta, network);
}

/* Adds to what it has said. Return: false at the end. */
static bool pasta_read(struct pasta *pasta, int messages)
{
	size_t length = strlen(pasta->message);
	char rest[PASTA_MESSAGE_MAX];
	bool is_full = length + 1 == sizeof(pasta->message);
	ssize_t n = is_full ? read(messages, rest, sizeof(rest))
			    : read(messages, pasta->message + length,
				   sizeof(pasta->message) - 1 - length);

	if (n > 0 && !is_full)
		pasta->message[length + (size_t)n] = '\0';
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Its messages end when it has ended, or has gone into the background. */
static int pasta_listen(struct pasta *pasta, int messages, int gone)
{
	struct pollfd fds[] = {{.fd = messages, .events = POLLIN}, {.fd = gone, .events = 0}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents & (POLLHUP | POLLERR))
			return -ECANCELED;
		if (fds[0].revents && !pasta_read(pasta, messages))
			return 0;
	}
}

/*
 * The new child of this process, which is process 1: there is no other that is not @known. Return:
 * its pid; 0: there is none; or -errno.
 */
static pid_t pasta_find(pid_t known)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	if (!proc)
		return -errno;
	errno = 0;
	while (!found && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		found = pid > 1 && pid != known ? pid : 0;
	}
	if (!found)
		found = -errno;
	closedir(proc);
	return found;
}

static const char *pasta_family(const struct pasta *pasta)
{
	return pasta->family == AF_INET ? "IPv4" : "IPv6";
}

/* @pid, which was to bring pasta into the background, says no more. */
static int pasta_take(struct pasta *pasta, pid_t pid, pid_t other)
{
	pid_t found = 0;
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_report(-errno, "cannot wait for pasta for %s",
					    pasta_family(pasta));
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
		found = pasta_find(other);
	if (found < 0)
		return error_report(found, "cannot find the process of pasta for %s",
				    pasta_family(pasta));
	if (found) {
		pasta->pid = found;
		return 0;
	}
	if (!pasta->message[0])
		process_format_end(status, pasta->message, sizeof(pasta->message));
	return -ECHILD;
}

int pasta_start(struct pasta *pasta, const char *network, pid_t other, int gone)
{
	AUTO_CLOSE int ours = -1, theirs = -1;
	int ends[2], err;
	pid_t pid;

	pasta->message[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_report(-errno, "cannot make a pipe for pasta");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid == 0) {
		pasta_run(pasta, network, theirs);
		_exit(EXIT_FAILURE);
	}
	if (pid < 0)
		return error_report(-errno, "cannot start pasta for %s", pasta_family(pasta));
	fd_close(&theirs);
	err = pasta_listen(pasta, ours, gone);
	return err ? err : pasta_take(pasta, pid, other);
}

int pasta_report(const struct pasta *pasta)
{
	/* The last line is the reason. */
	size_t length = strlen(pasta->message);
	const char *line = pasta->message;

	while (length && pasta->message[length - 1] == '\n')
		length--;
	for (size_t i = 0; i < length; i++)
		if (pasta->message[i] == '\n')
			line = pasta->message + i + 1;
	return error_say(-ECHILD, "pasta for %s cannot start: %.*s", pasta_family(pasta),
			 (int)(pasta->message + length - line), line);
}

int pasta_stop(struct pasta *pasta)
{
	int err = 0;

	if (!pasta->pid)
		return 0;
	if (kill(pasta->pid, SIGKILL) < 0)
		err = -errno;
	while (!err && waitpid(pasta->pid, NULL, 0) < 0)
		if (errno != EINTR)
			err = -errno;
	pasta->pid = 0;
	return err ? error_report(err, "cannot end pasta for %s", pasta_family(pasta)) : 0;
}

void pasta_free(struct pasta *pasta)
{
	for (size_t i = 0; i < pasta->port_count; i++)
		free(pasta->ports[i].spec);
	free(pasta->ports);
	pasta->ports = NULL;
	pasta->port_count = 0;
}
