// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_offload.c - LRO of a link, as ethtool's ioctl tells it. The kernel's part is played here
 * (the linker's --wrap): a link that can do it, by a name that changes.
 */
#include "net/offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "unit.h"

enum { LINK = 7, FEATURES = 40, LRO = 35, EVER = 1000000 };

/* The kernel. */
static struct {
	int renames; /* how many times the link gets another name before the next request */
	bool is_gone, cannot;
	int err;
	bool is_wanted;
	int requests;
} kernel;

char *__wrap_if_indextoname(unsigned int ifindex, char *name);
int __wrap_ioctl(int fd, unsigned long request, ...);

char *__wrap_if_indextoname(unsigned int ifindex, char *name)
{
	assert_int_equal(ifindex, LINK);
	errno = ENXIO;
	if (kernel.is_gone)
		return NULL;
	if (kernel.renames > 0)
		snprintf(name, IF_NAMESIZE, "old%d", kernel.renames % 2);
	else
		snprintf(name, IF_NAMESIZE, "new");
	return name;
}

static void kernel_answer(void *data)
{
	const uint32_t *command = data;

	if (*command == ETHTOOL_GSSET_INFO) {
		struct ethtool_sset_info *info = data;

		info->data[0] = FEATURES;
	} else if (*command == ETHTOOL_GSTRINGS) {
		struct ethtool_gstrings *names = data;

		assert_int_equal(names->len, FEATURES);
		if (!kernel.cannot)
			memcpy(names->data + (size_t)LRO * ETH_GSTRING_LEN, "rx-lro", 7);
	} else if (*command == ETHTOOL_GFEATURES) {
		struct ethtool_gfeatures *features = data;

		assert_int_equal(features->size, (FEATURES + 31) / 32);
		features->features[LRO / 32].requested = kernel.is_wanted << LRO % 32;
	} else {
		const struct ethtool_sfeatures *features = data;

		assert_int_equal(*command, ETHTOOL_SFEATURES);
		assert_int_equal(features->size, (FEATURES + 31) / 32);
		assert_int_equal(features->features[LRO / 32].valid, 1U << LRO % 32);
		kernel.is_wanted = features->features[LRO / 32].requested & 1U << LRO % 32;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct ifreq *ifreq;
	va_list arguments;

	(void)fd;
	va_start(arguments, request);
	ifreq = va_arg(arguments, const struct ifreq *);
	va_end(arguments);
	assert_int_equal(request, SIOCETHTOOL);
	kernel.requests++;
	errno = ENODEV;
	if (kernel.renames-- > 0)
		return -1;
	assert_string_equal(ifreq->ifr_name, "new");
	errno = kernel.err;
	if (kernel.err)
		return -1;
	kernel_answer(ifreq->ifr_data);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

TEST(whether_it_is_wanted_is_read)
{
	assert_int_equal(offload_wants_lro(LINK), 0);
	kernel.is_wanted = true;
	assert_int_equal(offload_wants_lro(LINK), 1);
}

TEST(it_is_turned_on)
{
	assert_int_equal(offload_want_lro(LINK), 0);
	assert_true(kernel.is_wanted);
}

TEST(a_link_that_is_renamed_meanwhile_is_asked_by_its_new_name)
{
	kernel.is_wanted = true;
	kernel.renames = 3;
	assert_int_equal(offload_wants_lro(LINK), 1);
	kernel.is_wanted = false;
	kernel.renames = 3;
	assert_int_equal(offload_want_lro(LINK), 0);
	assert_true(kernel.is_wanted);
}

TEST(a_link_without_it_needs_nothing)
{
	kernel.cannot = true;
	kernel.is_wanted = true;
	assert_int_equal(offload_wants_lro(LINK), 0);
	assert_int_equal(offload_want_lro(LINK), 0);
}

TEST(a_link_that_has_gone_needs_nothing)
{
	kernel.is_gone = true;
	assert_int_equal(offload_wants_lro(LINK), 0);
	assert_int_equal(offload_want_lro(LINK), 0);
	assert_int_equal(kernel.requests, 0);
}

TEST(a_link_that_is_always_being_renamed_is_not_taken_for_gone)
{
	kernel.renames = EVER;
	assert_int_equal(offload_wants_lro(LINK), -EINPROGRESS);
	assert_int_equal(offload_want_lro(LINK), -EINPROGRESS);
}

TEST(a_device_that_cannot_be_asked_needs_nothing)
{
	kernel.err = ENODEV;
	assert_int_equal(offload_wants_lro(LINK), 0);
	assert_int_equal(offload_want_lro(LINK), 0);
	assert_int_equal(kernel.requests, 2);
}

TEST(whatever_else_fails_is_passed_on)
{
	kernel.err = EPERM;
	assert_int_equal(offload_wants_lro(LINK), 0);
	assert_int_equal(offload_want_lro(LINK), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(whether_it_is_wanted_is_read, set_up),
		cmocka_unit_test_setup(it_is_turned_on, set_up),
		cmocka_unit_test_setup(a_link_that_is_renamed_meanwhile_is_asked_by_its_new_name,
				       set_up),
		cmocka_unit_test_setup(a_link_without_it_needs_nothing, set_up),
		cmocka_unit_test_setup(a_link_that_has_gone_needs_nothing, set_up),
		cmocka_unit_test_setup(a_link_that_is_always_being_renamed_is_not_taken_for_gone,
				       set_up),
		cmocka_unit_test_setup(a_device_that_cannot_be_asked_needs_nothing, set_up),
		cmocka_unit_test_setup(whatever_else_fails_is_passed_on, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
