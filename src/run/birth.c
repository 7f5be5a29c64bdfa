// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * birth.c - the start of a copy, as a chain of events. Nothing here waits.
 *
 * Its directories and its first process are made (birth_begin()). Its link is made in the next turn
 * of the loop (birth_go_on()): copies that start together set up their files meanwhile. The socket
 * of the first process becomes readable when they are set up (birth_on_hello()). Then the guardian
 * is told, and the copy is let go, to execute the program (birth_tell_guardian()): LIFE_SET_UP.
 */
#include "run/birth.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "run/variables.h"

/* How long to wait while the guardian has not read the earlier messages yet. */
enum { BIRTH_GUARDIAN_MS = 5 };

static void birth_on_hello(void *data, uint32_t events);

/* Texts that are needed until the first process has its own copy of them. */
struct birth_texts {
	char place[PATH_MAX], files[PATH_MAX], tmp[PATH_MAX];
	char own_hosts[NAMES_OWN_MAX];
	char hostname[PLAN_NAME_MAX];
	struct variables variables;
};

static struct fs_spec birth_describe_files(const struct copy *copy, struct birth_texts *texts)
{
	const struct copy_setting *setting = copy->setting;
	const struct network *network = setting->network;
	const struct plan *plan = setting->plan;

	places_path(setting->places, copy->number, NULL, texts->place);
	places_path(setting->places, copy->number, "files", texts->files);
	places_path(setting->places, copy->number, "tmp", texts->tmp);
	names_format_own(copy->hostname, &copy->attachment.address, &copy->attachment.address6,
			 texts->own_hosts);
	return (struct fs_spec){
		.view = setting->mounts->view,
		.files = plan->files,
		.base = plan->directory,
		.place = texts->place,
		.own = texts->files,
		.workdir = plan->workdir                 ? plan->workdir
			   : plan->files == PLAN_PRIVATE ? texts->files
							 : plan->directory,
		.tmp = texts->tmp,
		.etc = {.resolv_conf = network->resolv_conf,
			.own_hosts = texts->own_hosts,
			.hosts = network->hosts_file},
		.uid = setting->identity->uid,
		.gid = setting->identity->gid,
	};
}

static int birth_clone(struct copy *copy)
{
	struct copy_setting *setting = copy->setting;
	const struct network *network = setting->network;
	struct birth_texts texts = {0};
	struct container_spec spec = {
		.number = copy->number,
		.run = setting->plan->name,
		.slots = setting->slots,
		.hostname = texts.hostname,
		.fs = birth_describe_files(copy, &texts),
		.argv = setting->argv,
		.identity = setting->identity,
		.link = ATTACHMENT_INSIDE,
		.mac = copy->attachment.mac,
		.gateway_mac = network->bridge.mac,
		.ipv4 = attachment_way(&copy->attachment, AF_INET),
		.ipv6 = attachment_way(&copy->attachment, AF_INET6),
		.mtu = network->bridge.mtu,
		.is_behind_gate = setting->gate->pidfd >= 0,
		.limits = &setting->limits,
		.notify =
			setting->plan->health.kind == PLAN_HEALTH_NOTIFY ? VARIABLES_NOTIFY : NULL,
		.lifeline = setting->guardian->lifeline,
	};
	AUTO_CLOSE int cgroup = -1;
	int err = cgroup_make(setting->cgroup, copy->number, &cgroup);

	/* What @copy holds is not in its process (base/pool.h). */
	snprintf(texts.hostname, sizeof(texts.hostname), "%s", copy->hostname);
	if (!err)
		err = variables_describe(&texts.variables, copy);
	spec.environment = setting->plan->environment;
	spec.own_environment = texts.variables.list;
	spec.cgroup = cgroup;
	if (!err)
		err = container_spawn(&copy->container, &spec);
	variables_free(&texts.variables);
	return err;
}

static int birth_watch(struct copy *copy)
{
	struct loop *loop = copy->setting->loop;
	int err;

	copy->end.fd = copy->container.pidfd;
	copy->hello = (struct loop_source){
		.fd = copy->container.socket, .on_event = birth_on_hello, .data = copy};
	err = loop_watch(loop, &copy->end, EPOLLIN);
	if (!err)
		err = loop_watch(loop, &copy->hello, EPOLLIN);
	return err ? error_report(err, "copy %u: cannot watch it", copy->number) : 0;
}

static int birth_spawn(struct copy *copy)
{
	int err = place_make(&copy->place, copy->setting->places, copy->number);

	if (err)
		return err;
	copy->life = ++copy->setting->lives;
	err = birth_clone(copy);
	if (err)
		return err;
	err = birth_watch(copy);
	if (err)
		return err;
	loop_set_timer(copy->setting->loop, &copy->look, 0);
	return 0;
}

/* A copy that starts again takes addresses again: it gave them back after its life before. */
int birth_begin(struct copy *copy)
{
	int err = copy->attachment.network ? 0 : copy_take_network(copy);

	return err ? err : birth_spawn(copy);
}

/*
 * Tells the guardian about the copy, or will do it again. The guardian must know the copy before
 * the copy does anything that would have to be undone.
 */
static void birth_tell_guardian(struct copy *copy)
{
	struct copy_setting *setting = copy->setting;
	const struct guardian_copy held = {
		.id = copy->life,
		.pidfd = copy->container.pidfd,
		.diag = netlink_fd(&copy->diag),
		.addresses = {copy->attachment.address, copy->attachment.address6},
	};
	int err = guardian_hold_copy(setting->guardian, &held);

	if (err == -EAGAIN) {
		loop_set_timer(setting->loop, &copy->look, BIRTH_GUARDIAN_MS);
		return;
	}
	if (err) {
		copy_fail(copy, err);
		return;
	}
	copy->is_held = true;
	err = container_release(&copy->container);
	if (err == -EPIPE || err == -ECONNRESET) /* it has ended: that will be noticed, and told */
		return;
	if (err) {
		error_report(err, "copy %u: cannot be set up", copy->number);
		copy_fail(copy, err);
		return;
	}
	copy_step(copy, LIFE_SET_UP);
}

void birth_go_on(struct copy *copy)
{
	struct attachment *attachment = &copy->attachment;
	int err = 0;

	if (!attachment->link)
		err = attachment_connect(attachment, copy->number, copy->container.pid);
	if (err == -ESRCH) /* copy_on_end() will be called */
		return;
	if (err)
		copy_fail(copy, err);
	else if (copy->diag.socket)
		birth_tell_guardian(copy);
}

static int birth_take_descriptors(struct copy *copy)
{
	int err = netlink_adopt(&copy->diag, fd_steal(&copy->container.diag));

	if (err)
		return error_report(err, "copy %u: cannot use its sock_diag socket", copy->number);
	if (copy->setting->plan->keeps_output)
		journal_open(&copy->journal, copy->setting->places, copy->number);
	return printer_open(&copy->printer, copy->setting->console, copy->number,
			    fd_steal(&copy->container.output),
			    copy->journal.places ? &copy->journal : NULL);
}

static void birth_on_hello(void *data, uint32_t events)
{
	struct copy *copy = data;
	int err = container_receive(&copy->container);

	(void)events;
	if (err == -EAGAIN)
		return;
	loop_forget(copy->setting->loop, &copy->hello);
	if (copy->state != LIFE_PREPARING || err == -EPIPE) /* copy_on_end() will be called */
		return;
	if (err) {
		copy_fail(copy, error_report(err, "copy %u: cannot be set up", copy->number));
		return;
	}
	err = birth_take_descriptors(copy);
	if (err) {
		copy_fail(copy, err);
		return;
	}
	birth_go_on(copy);
}
