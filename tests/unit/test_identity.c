// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_identity.c - who called: by what sudo left in the environment, and else this process itself.
 * Nobody becomes anyone here.
 */
#include "copy/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "unit.h"

static void environment_set(const char *uid, const char *gid)
{
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	if (uid)
		assert_int_equal(setenv("SUDO_UID", uid, 1), 0);
	if (gid)
		assert_int_equal(setenv("SUDO_GID", gid, 1), 0);
}

/* The tests themselves may run through sudo. */
static int environment_clear(void **state)
{
	(void)state;
	environment_set(NULL, NULL);
	return 0;
}

static bool identity_is_own(const struct identity *identity)
{
	int count = getgroups(0, NULL);
	gid_t *groups = calloc((size_t)count + 1, sizeof(*groups));
	bool same;

	assert_non_null(groups);
	assert_int_equal(getgroups(count, groups), count);
	same = identity->uid == getuid() && identity->gid == getgid() && !identity->user &&
	       !identity->home && identity->group_count == (size_t)count &&
	       memcmp(identity->groups, groups, (size_t)count * sizeof(*groups)) == 0;
	free(groups);
	return same;
}

/* A user id that has no name on this machine. */
static uid_t uid_without_name(void)
{
	uid_t uid = 1999999999;

	while (getpwuid(uid))
		uid--;
	return uid;
}

TEST(without_sudo_it_is_this_process)
{
	struct identity identity;

	assert_int_equal(identity_of_caller(&identity), 0);
	assert_true(identity_is_own(&identity));
	identity_free(&identity);
}

TEST(half_of_sudo_is_no_sudo)
{
	struct identity identity;

	environment_set("1999999999", NULL);
	assert_int_equal(identity_of_caller(&identity), 0);
	assert_true(identity_is_own(&identity));
	identity_free(&identity);

	environment_set(NULL, "1999999999");
	assert_int_equal(identity_of_caller(&identity), 0);
	assert_true(identity_is_own(&identity));
	identity_free(&identity);
}

TEST(garbage_is_refused)
{
	static const char *const garbage[] = {
		"",
		" ",
		"root",
		"-1",
		"+1999999999",
		" 1999999999",
		"0x10",
		"1000abc",
		"1000 ",
		"1999999999\n",
		"1e9",
		"4294967295",
		"4294967296",
		"18446744073709551616",
		"-4294966296",
		"99999999999999999999",
	};

	for (size_t i = 0; i < COUNT(garbage); i++)
		for (int in_gid = 0; in_gid < 2; in_gid++) {
			struct identity identity;

			environment_set(in_gid ? "1999999999" : garbage[i],
					in_gid ? garbage[i] : "1999999999");
			if (identity_of_caller(&identity) != -EINVAL)
				fail_msg("taken for a number: \"%s\"", garbage[i]);
			identity_free(&identity);
		}
}

TEST(a_number_without_a_name_is_a_user)
{
	struct identity identity;
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", uid_without_name());
	environment_set(uid, "1999999998");
	assert_int_equal(identity_of_caller(&identity), 0);
	assert_int_equal(identity.uid, uid_without_name());
	assert_int_equal(identity.gid, 1999999998);
	assert_int_equal(identity.group_count, 0);
	assert_null(identity.user);
	assert_null(identity.home);
	identity_free(&identity);
}

TEST(the_largest_number_is_a_user)
{
	struct identity identity;

	environment_set("4294967294", "4294967294");
	assert_int_equal(identity_of_caller(&identity), 0);
	assert_int_equal(identity.uid, 4294967294U);
	assert_int_equal(identity.gid, 4294967294U);
	identity_free(&identity);
}

static bool identity_has_group(const struct identity *identity, gid_t gid)
{
	for (size_t i = 0; i < identity->group_count; i++)
		if (identity->groups[i] == gid)
			return true;
	return false;
}

/* As sudo would have it for that entry of the user database. */
static void assert_identity_of(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	char uid_text[16], gid_text[16];
	struct identity identity;
	gid_t groups[1024];
	int count = COUNT(groups);

	assert_non_null(entry);
	snprintf(uid_text, sizeof(uid_text), "%u", uid);
	snprintf(gid_text, sizeof(gid_text), "%u", entry->pw_gid);
	environment_set(uid_text, gid_text);
	assert_int_equal(identity_of_caller(&identity), 0);
	entry = getpwuid(uid);
	assert_int_equal(identity.uid, uid);
	assert_int_equal(identity.gid, entry->pw_gid);
	assert_string_equal(identity.user, entry->pw_name);
	assert_string_equal(identity.home, entry->pw_dir);
	assert_true(getgrouplist(entry->pw_name, entry->pw_gid, groups, &count) >= 0);
	assert_int_equal(identity.group_count, count);
	for (int i = 0; i < count; i++)
		assert_true(identity_has_group(&identity, groups[i]));
	identity_free(&identity);
}

TEST(a_user_with_a_name_has_its_home_and_groups)
{
	const struct passwd *entry;
	uid_t uids[64];
	size_t count = 0;

	assert_identity_of(0);
	setpwent();
	while (count < COUNT(uids) && (entry = getpwent()))
		uids[count++] = entry->pw_uid;
	endpwent();
	while (count-- > 0)
		assert_identity_of(uids[count]);
}

TEST(the_group_is_that_of_sudo)
{
	struct identity identity;

	environment_set("0", "1999999998");
	assert_int_equal(identity_of_caller(&identity), 0);
	assert_int_equal(identity.uid, 0);
	assert_int_equal(identity.gid, 1999999998);
	assert_string_equal(identity.user, "root");
	identity_free(&identity);
}

TEST(free_is_safe_on_zeros_and_to_repeat)
{
	struct identity identity = {0};

	identity_free(&identity);
	environment_set("0", "0");
	assert_int_equal(identity_of_caller(&identity), 0);
	identity_free(&identity);
	assert_null(identity.groups);
	assert_null(identity.user);
	assert_null(identity.home);
	identity_free(&identity);
}

/* ---- identity_set_environment(), in a child ---- */

static bool environment_is(const char *name, const char *value)
{
	const char *now = getenv(name);

	return now && strcmp(now, value) == 0;
}

static int environment_of_a_name(void)
{
	struct identity identity = {.user = strdup("somebody"), .home = strdup("/home/somebody")};

	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	unsetenv("LOGNAME");
	if (identity_set_environment(&identity) != 0)
		return 1;
	identity_free(&identity);
	return environment_is("HOME", "/home/somebody") && environment_is("USER", "somebody") &&
			       environment_is("LOGNAME", "somebody")
		       ? 0
		       : 2;
}

TEST(the_environment_is_that_of_the_user)
{
	assert_int_equal(child_run(environment_of_a_name), 0);
}

static int environment_of_a_number(void)
{
	const struct identity identity = {.uid = 1999999999, .gid = 1999999999};

	setenv("HOME", "/somewhere", 1);
	setenv("USER", "someone", 1);
	unsetenv("LOGNAME");
	if (identity_set_environment(&identity) != 0)
		return 1;
	return environment_is("HOME", "/somewhere") && environment_is("USER", "someone") &&
			       !getenv("LOGNAME")
		       ? 0
		       : 2;
}

TEST(without_a_name_the_environment_is_left_alone)
{
	assert_int_equal(child_run(environment_of_a_number), 0);
}

static int environment_after_sudo(void)
{
	/* man 8 sudo, ENVIRONMENT: what it sets for the command; SUDO_HOME since 1.9.16 */
	static const char *const names[] = {"SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND",
					    "SUDO_HOME"};
	const struct identity identity = {0};

	for (size_t i = 0; i < COUNT(names); i++)
		setenv(names[i], "1999999999", 1);
	if (identity_set_environment(&identity) != 0)
		return 99;
	for (size_t i = 0; i < COUNT(names); i++)
		if (getenv(names[i]))
			return (int)i + 1; /* which one stayed */
	return 0;
}

TEST(nothing_of_sudo_stays_in_the_environment)
{
	assert_int_equal(child_run(environment_after_sudo), 0);
}

static int environment_with_an_entry_that_is_none(void)
{
	static char nothing[] = "SUDO_", name[] = "SUDO_UID", gid[] = "SUDO_GID=1";
	char *entries[] = {nothing, name, gid, NULL};
	const struct identity identity = {0};

	alarm(5); /* ends a loop without end */
	environ = entries;
	if (identity_set_environment(&identity) != 0)
		return 99;
	return getenv("SUDO_GID") ? 1 : 0;
}

/* Whoever calls execve(2) can leave out the "=". */
TEST(an_entry_without_a_value_does_no_harm)
{
	assert_int_equal(child_run(environment_with_an_entry_that_is_none), 0);
}

#define CLEAR_TEST(name) cmocka_unit_test_setup_teardown(name, environment_clear, environment_clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAR_TEST(without_sudo_it_is_this_process),
		CLEAR_TEST(half_of_sudo_is_no_sudo),
		CLEAR_TEST(garbage_is_refused),
		CLEAR_TEST(a_number_without_a_name_is_a_user),
		CLEAR_TEST(the_largest_number_is_a_user),
		CLEAR_TEST(a_user_with_a_name_has_its_home_and_groups),
		CLEAR_TEST(the_group_is_that_of_sudo),
		CLEAR_TEST(free_is_safe_on_zeros_and_to_repeat),
		CLEAR_TEST(the_environment_is_that_of_the_user),
		CLEAR_TEST(without_a_name_the_environment_is_left_alone),
		CLEAR_TEST(nothing_of_sudo_stays_in_the_environment),
		CLEAR_TEST(an_entry_without_a_value_does_no_harm),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
