// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_forwarding.c - a link's parameter while the link is being renamed. What forwarding.c asks of
 * the kernel is answered here (the linker's --wrap).
 */
#include "host/forwarding.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/sysctl.h"
#include "net/link.h"
#include "unit.h"

enum { LINK = 7, EVER = 1000000 };

/* The kernel. */
static struct {
	const char *name;
	int misses; /* how many times the parameter is under another name than the link's */
	bool is_gone, is_old, lacks_family, is_on;
	int access_err, family_err;
	int accesses;
	sa_family_t family; /* of the last one */
} kernel;

char *__wrap_if_indextoname(unsigned int ifindex, char *name);
int __wrap_sysctl_read(const char *path, char *value);
int __wrap_sysctl_write(const char *path, const char *value);
int __wrap_link_has_family(struct netlink *nl, unsigned int ifindex, sa_family_t family);

char *__wrap_if_indextoname(unsigned int ifindex, char *name)
{
	assert_int_equal(ifindex, LINK);
	snprintf(name, IF_NAMESIZE, "%s", kernel.name);
	return name;
}

static int kernel_access(const char *path)
{
	kernel.family = strcmp(path, "net/ipv4/conf/eth0/forwarding") == 0 ? AF_INET : AF_INET6;
	if (kernel.family == AF_INET6)
		assert_string_equal(path, "net/ipv6/conf/eth0/force_forwarding");
	kernel.accesses++;
	if (kernel.access_err)
		return kernel.access_err;
	return kernel.is_gone || kernel.is_old || kernel.misses-- > 0 ? -ENOENT : 0;
}

int __wrap_sysctl_read(const char *path, char *value)
{
	int err;

	if (strcmp(path, "net/ipv6/conf/all/force_forwarding") == 0)
		return kernel.is_old ? -ENOENT : 0;
	err = kernel_access(path);
	if (!err)
		snprintf(value, SYSCTL_VALUE_MAX, "%d", kernel.is_on);
	return err;
}

int __wrap_sysctl_write(const char *path, const char *value)
{
	int err = kernel_access(path);

	if (!err)
		kernel.is_on = strcmp(value, "1") == 0;
	return err;
}

int __wrap_link_has_family(struct netlink *nl, unsigned int ifindex, sa_family_t family)
{
	(void)nl;
	assert_int_equal(family, kernel.family);
	assert_int_equal(ifindex, LINK);
	if (kernel.family_err)
		return kernel.family_err;
	return kernel.is_gone ? -ENODEV : !kernel.lacks_family;
}

static int set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.name = "eth0";
	return 0;
}

TEST(it_is_written_and_read_at_once)
{
	bool is_on = false;

	assert_int_equal(forwarding_write(AF_INET, LINK, "1"), 0);
	assert_true(kernel.is_on);
	assert_int_equal(forwarding_read(AF_INET, LINK, &is_on), 0);
	assert_true(is_on);
	assert_int_equal(kernel.accesses, 2);
}

TEST(a_parameter_still_under_the_old_name_is_looked_for_again)
{
	bool is_on = false;

	kernel.misses = 7;
	assert_int_equal(forwarding_write(AF_INET6, LINK, "1"), 0);
	assert_int_equal(kernel.family, AF_INET6);
	assert_int_equal(kernel.accesses, 8);
	kernel.misses = 7;
	assert_int_equal(forwarding_read(AF_INET6, LINK, &is_on), 0);
	assert_true(is_on);
	assert_int_equal(kernel.accesses, 16);
}

TEST(a_link_that_is_always_being_renamed_is_not_taken_for_gone)
{
	bool is_on;

	kernel.misses = EVER;
	assert_int_equal(forwarding_write(AF_INET6, LINK, "0"), -EINPROGRESS);
	assert_int_equal(forwarding_read(AF_INET, LINK, &is_on), -EINPROGRESS);
}

TEST(a_link_that_is_gone_needs_nothing)
{
	bool is_on = true;

	kernel.is_gone = true;
	assert_int_equal(forwarding_write(AF_INET, LINK, "0"), 0);
	assert_int_equal(forwarding_read(AF_INET, LINK, &is_on), -ENOENT);
	assert_false(is_on);
	assert_int_equal(kernel.accesses, 2);
}

TEST(a_link_without_the_family_needs_nothing)
{
	kernel.misses = EVER;
	kernel.lacks_family = true;
	assert_int_equal(forwarding_write(AF_INET6, LINK, "0"), 0);
	assert_int_equal(kernel.accesses, 1);
}

/* Those are the parameters of all links, or of links to come. */
TEST(a_link_with_the_name_of_other_parameters_has_none)
{
	static const char *const names[] = {"all", "default"};
	bool is_on;

	for (size_t i = 0; i < COUNT(names); i++) {
		kernel.name = names[i];
		assert_int_equal(forwarding_write(AF_INET, LINK, "1"), 0);
		assert_int_equal(forwarding_read(AF_INET, LINK, &is_on), -ENOENT);
	}
	assert_int_equal(kernel.accesses, 0);
}

TEST(an_older_kernel_has_no_such_parameter)
{
	bool is_on = true;

	kernel.is_old = true;
	assert_int_equal(forwarding_read(AF_INET6, LINK, &is_on), -ENOENT);
	assert_false(is_on);
	assert_int_equal(kernel.accesses, 1);
}

TEST(whatever_else_fails_is_passed_on)
{
	bool is_on;

	kernel.access_err = -EROFS;
	assert_int_equal(forwarding_write(AF_INET, LINK, "1"), -EROFS);
	assert_int_equal(forwarding_read(AF_INET, LINK, &is_on), -EROFS);
	kernel.access_err = 0;
	kernel.misses = EVER;
	kernel.family_err = -EAGAIN;
	assert_int_equal(forwarding_write(AF_INET, LINK, "1"), -EAGAIN);
	assert_int_equal(kernel.accesses, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_written_and_read_at_once, set_up),
		cmocka_unit_test_setup(a_parameter_still_under_the_old_name_is_looked_for_again,
				       set_up),
		cmocka_unit_test_setup(a_link_that_is_always_being_renamed_is_not_taken_for_gone,
				       set_up),
		cmocka_unit_test_setup(a_link_that_is_gone_needs_nothing, set_up),
		cmocka_unit_test_setup(a_link_without_the_family_needs_nothing, set_up),
		cmocka_unit_test_setup(a_link_with_the_name_of_other_parameters_has_none, set_up),
		cmocka_unit_test_setup(an_older_kernel_has_no_such_parameter, set_up),
		cmocka_unit_test_setup(whatever_else_fails_is_passed_on, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
