// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * identity.c - user, groups and capabilities.
 */
#include "copy/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

/*
 * Reads the user or group number that sudo(8) puts into the environment variable @name.
 * Return: 0, -ENOENT, or -EINVAL, reported.
 */
static int identity_read_id(const char *name, id_t *ret)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text)
		return -ENOENT;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *end || value >= (id_t)-1) {
		error_say(-EINVAL,
			  "%s in the environment is no number: unset it, or set it as sudo does",
			  name);
		return -EINVAL;
	}
	*ret = (id_t)value;
	return 0;
}

/* Does @id exist in this user namespace? @map: /proc/self/uid_map or gid_map. */
static bool identity_is_mapped(const char *map, id_t id)
{
	FILE *file = fopen(map, "re");
	bool is_mapped = !file;
	char line[128];

	while (!is_mapped && fgets(line, sizeof(line), file)) {
		char *rest;
		unsigned long first = strtoul(line, &rest, 10);
		unsigned long count;

		strtoul(rest, &rest, 10); /* the number outside */
		count = strtoul(rest, &rest, 10);
		is_mapped = id >= first && id - first < count;
	}
	if (file)
		fclose(file);
	return is_mapped;
}

static int identity_own_groups(struct identity *identity)
{
	int count = getgroups(0, NULL);

	if (count < 0)
		return -errno;
	identity->groups = calloc((size_t)count + 1, sizeof(gid_t));
	if (!identity->groups)
		return -ENOMEM;
	count = getgroups(count, identity->groups);
	if (count < 0)
		return -errno;
	identity->group_count = (size_t)count;
	return 0;
}

static int identity_keep_groups(struct identity *identity)
{
	int err = identity_own_groups(identity);

	return err ? error_report(err, "cannot read the caller's groups") : 0;
}

static int identity_user_groups(struct identity *identity, const char *user)
{
	int count = 0;

	getgrouplist(user, identity->gid, NULL, &count);
	for (;;) {
		gid_t *groups = reallocarray(identity->groups, (size_t)count + 1, sizeof(gid_t));
		int size = count + 1;

		if (!groups)
			return -ENOMEM;
		identity->groups = groups;
		if (getgrouplist(user, identity->gid, groups, &size) >= 0) {
			identity->group_count = (size_t)size;
			return 0;
		}
		count = size;
	}
}

/* Fills in what is known of a user by name. @entry may be NULL. Return: 0 or -errno. */
static int identity_take_entry(struct identity *identity, const struct passwd *entry)
{
	if (!entry) /* a uid without a name has only its own group */
		return 0;
	identity->user = strdup(entry->pw_name);
	identity->home = strdup(entry->pw_dir);
	return identity->user && identity->home ? identity_user_groups(identity, identity->user)
						: -ENOMEM;
}

int identity_of_caller(struct identity *ret)
{
	id_t uid, gid;
	int uid_err, gid_err, err;

	*ret = (struct identity){.uid = getuid(), .gid = getgid()};
	if (geteuid() != 0) /* `sudo -u bob` has made us bob, who may not become alice */
		return identity_keep_groups(ret);
	uid_err = identity_read_id("SUDO_UID", &uid);
	if (uid_err == -EINVAL)
		return uid_err;
	gid_err = identity_read_id("SUDO_GID", &gid);
	if (gid_err == -EINVAL)
		return gid_err;
	if (uid_err || gid_err)
		return identity_keep_groups(ret);
	if (!identity_is_mapped("/proc/self/uid_map", uid) ||
	    !identity_is_mapped("/proc/self/gid_map", gid))
		return error_say(-EINVAL,
				 "user %u, group %u, who called sudo, is not in this user "
				 "namespace: unset SUDO_UID and SUDO_GID",
				 uid, gid);
	ret->uid = uid;
	ret->gid = gid;
	err = identity_take_entry(ret, getpwuid(uid));
	return err ? error_report(err, "cannot look up the groups of user %u", uid) : 0;
}

/* Return: whether @text is a number that can be a user's or a group's. */
static bool identity_is_number(const char *text, id_t *ret)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *end || value >= (id_t)-1)
		return false;
	*ret = (id_t)value;
	return true;
}

static int identity_find_group(const char *text, gid_t *ret)
{
	const struct group *entry = getgrnam(text);

	if (entry)
		*ret = entry->gr_gid;
	else if (!identity_is_number(text, ret))
		return error_say(-EINVAL, "%s: there is no such group (--user)", text);
	return 0;
}

static int identity_find_user(struct identity *identity, const char *name, const char *group)
{
	const struct passwd *entry = getpwnam(name);
	int err;

	if (!entry && identity_is_number(name, &identity->uid))
		entry = getpwuid(identity->uid);
	else if (!entry)
		return error_say(-EINVAL, "%s: there is no such user (--user)", name);
	if (!entry && !group)
		return error_say(-EINVAL,
				 "user %s has no entry in passwd: name a group, too: %s:GID", name,
				 name);
	if (entry) {
		identity->uid = entry->pw_uid;
		identity->gid = entry->pw_gid;
	}
	err = identity_take_entry(identity, entry);
	if (err)
		return error_report(err, "cannot look up the groups of user %s", name);
	return group ? identity_find_group(group, &identity->gid) : 0;
}

int identity_of_user(struct identity *ret, const char *text)
{
	const char *colon = strchr(text, ':');
	char *name = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	int err;

	*ret = (struct identity){0};
	if (!name)
		return error_report(-ENOMEM, "cannot look up user %s", text);
	err = identity_find_user(ret, name, colon ? colon + 1 : NULL);
	free(name);
	if (err)
		return err;
	if (geteuid() != 0 && (ret->uid != geteuid() || ret->gid != getegid()))
		return error_say(-EPERM, "only root can run copies as user %s (--user)", text);
	if (geteuid() != 0) { /* nor may others change their groups */
		free(ret->groups);
		ret->groups = NULL;
		return identity_keep_groups(ret);
	}
	if (!identity_is_mapped("/proc/self/uid_map", ret->uid) ||
	    !identity_is_mapped("/proc/self/gid_map", ret->gid))
		return error_say(-EINVAL, "user %s is not in this user namespace (--user)", text);
	return 0;
}

void identity_free(struct identity *identity)
{
	free(identity->groups);
	free(identity->user);
	free(identity->home);
	*identity = (struct identity){0};
}

static int identity_drop_bounding_set(void)
{
	/* After the kernel's last capability, the call fails with EINVAL: man 2 PR_CAPBSET_DROP. */
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno;
	return 0;
}

static int identity_clear_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/*
 * Where only one user is mapped into a user namespace, nobody may call setgroups(2): who is to stay
 * the same has its groups already.
 */
static int identity_set_groups(const struct identity *identity)
{
	const size_t count = identity->group_count;
	struct identity now = {0};
	int err = identity_own_groups(&now);
	bool is_same =
		!err && now.group_count == count &&
		(count == 0 || memcmp(now.groups, identity->groups, count * sizeof(gid_t)) == 0);

	identity_free(&now);
	if (err || is_same)
		return err;
	return setgroups(count, identity->groups) < 0 ? -errno : 0;
}

static int identity_change(const struct identity *identity)
{
	int err = identity_drop_bounding_set();

	if (err)
		return err;
	err = identity_set_groups(identity);
	if (err)
		return err;
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return -errno;
	err = identity_clear_capabilities();
	if (err)
		return err;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int identity_assume(const struct identity *identity)
{
	int err = identity_change(identity);

	return err ? error_report(err, "cannot become user %u", identity->uid) : 0;
}

/* Whoever has these numbers already is not changed by this. */
static int identity_set_files(uid_t uid, gid_t gid)
{
	setfsgid(gid);
	setfsuid(uid);
	/* The calls tell only who it was before; and -1 is nobody. */
	return setfsuid((uid_t)-1) == (int)uid && setfsgid((gid_t)-1) == (int)gid ? 0 : -EPERM;
}

/* With the change of user the kernel has taken this away, as all that overrides modes. */
static int identity_override_modes(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[CAP_TO_INDEX(CAP_DAC_OVERRIDE)].effective |=
		data[CAP_TO_INDEX(CAP_DAC_OVERRIDE)].permitted & CAP_TO_MASK(CAP_DAC_OVERRIDE);
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int identity_borrow(const struct identity *identity)
{
	int was_dumpable = prctl(PR_GET_DUMPABLE);
	int err = identity_set_files(identity->uid, identity->gid);

	if (!err)
		err = identity_override_modes();
	if (!err)
		return was_dumpable == 1;
	identity_give_back(was_dumpable == 1);
	return error_report(err, "cannot make files as user %u", identity->uid);
}

int identity_give_back(int borrowed)
{
	int err = identity_set_files(geteuid(), getegid());

	/* Every change of user takes this away, too. */
	if (borrowed && prctl(PR_SET_DUMPABLE, 1) < 0 && !err)
		err = -errno;
	return err ? error_report(err, "cannot make files as user %u again", geteuid()) : 0;
}

static void identity_forget_sudo(void)
{
	static const char PREFIX[] = "SUDO_";
	char name[256];

	for (char **entry = environ; *entry;) {
		size_t length = strcspn(*entry, "=");

		/* Also skip what cannot be unset: an entry without a "=", and a name that does not
		 * fit into @name; sudo uses no such name. */
		if (strncmp(*entry, PREFIX, strlen(PREFIX)) != 0 || (*entry)[length] != '=' ||
		    length >= sizeof(name)) {
			entry++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)length, *entry);
		unsetenv(name); /* the next entry moves to this place */
	}
}

int identity_set_environment(const struct identity *identity)
{
	identity_forget_sudo();
	if (!identity->user)
		return 0;
	if (setenv("HOME", identity->home, 1) < 0 || setenv("USER", identity->user, 1) < 0 ||
	    setenv("LOGNAME", identity->user, 1) < 0)
		return error_report(-errno, "cannot set the environment");
	return 0;
}
