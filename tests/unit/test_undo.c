// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_undo.c - playing an undo log, in a directory of the test's own. What the
 * order was shows in nested directories: the outer one goes only after the inner one.
 *
 * Nothing here touches a link, a connection or a parameter that exists: those of an uplink are made
 * up here (the linker's --wrap).
 */
#include "host/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "host/log.h"
#include "unit.h"

#define HEADER "the first line of the file, which is no record\n"

/* A place to make directories in, a log, and a directory of no other runs. */
struct site {
	char path[PATH_MAX / 4];
	int log, runs;
	unsigned int next; /* number of the next record */
};

/* The path of @name below the site, in one of a few buffers. */
static const char *site_path(const struct site *site, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % COUNT(paths)];

	snprintf(path, PATH_MAX, "%s/%s", site->path, name);
	return path;
}

static int site_setup(void **state)
{
	static struct site the_site;
	struct site *site = &the_site;
	char made[] = "/tmp/test_undo.XXXXXX";
	char resolved[PATH_MAX];

	if (!mkdtemp(made) || !realpath(made, resolved))
		return -1;
	snprintf(site->path, sizeof(site->path), "%.200s", resolved);
	if (mkdir(site_path(site, "runs"), 0755) < 0)
		return -1;
	site->runs = open(site_path(site, "runs"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	site->log = memfd_create("undo", MFD_CLOEXEC);
	site->next = 1;
	*state = site;
	return site->log < 0 || site->runs < 0 ? -1 : 0;
}

static int site_teardown(void **state)
{
	struct site *site = *state;
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r '%s'", site->path);
	close(site->log);
	close(site->runs);
	return system(command); /* NOLINT(cert-env33-c): of a path that mkdtemp(3) made */
}

static void site_mkdir(const struct site *site, const char *name)
{
	assert_int_equal(mkdir(site_path(site, name), 0755), 0);
}

static bool site_has(const struct site *site, const char *name)
{
	struct stat st;

	return lstat(site_path(site, name), &st) == 0;
}

static void log_write(const struct site *site, const void *data, size_t length)
{
	assert_int_equal(write(site->log, data, length), length);
}

static void log_text(const struct site *site, const char *text)
{
	log_write(site, text, strlen(text));
}

/* What stands before the next record. */
static void log_number(struct site *site)
{
	char number[16];

	snprintf(number, sizeof(number), "%u ", site->next++);
	log_text(site, number);
}

/* The record of the directory @name, with @end behind it. */
static void log_directory(struct site *site, const char *name, const char *end)
{
	log_number(site);
	log_text(site, "directory ");
	log_text(site, site_path(site, name));
	log_text(site, end);
}

/* The only link that there is. */
static struct {
	unsigned int ifindex;
	bool is_on, has_lro;
	int err; /* of whoever asks whether it forwards */
} uplink;

int __wrap_forwarding_read(sa_family_t family, unsigned int ifindex, bool *ret_is_on);
int __wrap_forwarding_write(sa_family_t family, unsigned int ifindex, const char *value);
int __wrap_offload_want_lro(unsigned int ifindex);
int __wrap_sysctl_read(const char *path, char *value);
bool __wrap_nft_table_exists(const char *name);

int __wrap_forwarding_read(sa_family_t family, unsigned int ifindex, bool *ret_is_on)
{
	int err = uplink.err;

	assert_int_equal(family, AF_INET);
	*ret_is_on = uplink.is_on;
	uplink.err = 0; /* only the first one meets it without its name */
	return ifindex == uplink.ifindex ? err : -ENOENT;
}

int __wrap_forwarding_write(sa_family_t family, unsigned int ifindex, const char *value)
{
	assert_int_equal(family, AF_INET);
	assert_int_equal(ifindex, uplink.ifindex);
	assert_string_equal(value, "0");
	uplink.is_on = false;
	return 0;
}

int __wrap_offload_want_lro(unsigned int ifindex)
{
	assert_int_equal(ifindex, uplink.ifindex);
	uplink.has_lro = true;
	return 0;
}

/* The guard is there: the log is of this network namespace. */
bool __wrap_nft_table_exists(const char *name)
{
	(void)name;
	return true;
}

/* The host is no router. */
int __wrap_sysctl_read(const char *path, char *value)
{
	assert_string_equal(path, "net/ipv4/conf/all/forwarding");
	memcpy(value, "0", sizeof("0"));
	return 0;
}

static int play(const struct site *site)
{
	struct netlink none = {0};
	int err = undo_play(site->log, site->runs, &none);

	netlink_close(&none);
	return err;
}

#define SITE_TEST(name) static void name(void **state)

SITE_TEST(an_empty_file_is_nothing_to_do)
{
	struct site *site = *state;

	assert_int_equal(play(site), 0);
}

SITE_TEST(a_header_alone_is_nothing_to_do)
{
	struct site *site = *state;

	log_text(site, HEADER);
	assert_int_equal(play(site), 0);
}

SITE_TEST(the_first_line_is_never_a_record)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	site_mkdir(site, "b");
	log_directory(site, "a", "\n");
	log_directory(site, "b", "\n");
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "a"));
	assert_false(site_has(site, "b"));
}

SITE_TEST(the_newest_goes_first)
{
	struct site *site = *state;
	static const char *const names[] = {"a", "a/b", "a/b/c", "a/b/c/d"};

	log_text(site, HEADER);
	for (size_t i = 0; i < COUNT(names); i++) {
		log_directory(site, names[i], "\n");
		site_mkdir(site, names[i]);
	}
	assert_int_equal(play(site), 0);
	assert_false(site_has(site, "a"));
}

SITE_TEST(the_oldest_first_would_have_shown)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	site_mkdir(site, "a/b");
	log_text(site, HEADER);
	log_directory(site, "a/b", "\n");
	log_directory(site, "a", "\n");
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "a")); /* was not empty yet, and that is no error */
	assert_false(site_has(site, "a/b"));
}

SITE_TEST(the_numbers_tell_the_order_not_the_places)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	site_mkdir(site, "a/b");
	log_text(site, HEADER);
	site->next = 12;
	log_directory(site, "a/b", "\n");
	site->next = 9;
	log_directory(site, "a", "\n");
	assert_int_equal(play(site), 0);
	assert_false(site_has(site, "a"));
}

SITE_TEST(a_void_line_is_not_undone)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	site_mkdir(site, "b");
	log_text(site, HEADER "#");
	log_directory(site, "a", "\n");
	log_directory(site, "b", "\n");
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "a"));
	assert_false(site_has(site, "b"));
}

SITE_TEST(what_is_undone_is_void_and_what_is_not_stays)
{
	struct site *site = *state;
	char name[NAME_MAX + 2] = "", text[4 * PATH_MAX] = "";
	const char *failed;

	memset(name, 'n', sizeof(name) - 1);
	site_mkdir(site, "a");
	log_text(site, HEADER);
	log_directory(site, "a", "\n");
	log_directory(site, name, "\n");
	assert_int_equal(play(site), -ENAMETOOLONG);
	assert_true(pread(site->log, text, sizeof(text) - 1, 0) > 0);
	assert_memory_equal(text + strlen(HEADER), "# directory ", 12);
	failed = strchr(text + strlen(HEADER), '\n') + 1;
	assert_memory_equal(failed, "2 directory ", 12);
}

SITE_TEST(playing_twice_is_playing_once)
{
	struct site *site = *state;
	size_t fds = fds_count();

	site_mkdir(site, "a");
	log_text(site, HEADER);
	log_directory(site, "a", "\n");
	assert_int_equal(play(site), 0);
	assert_int_equal(play(site), 0);
	assert_false(site_has(site, "a"));
	assert_int_equal(fds_count(), fds);
}

SITE_TEST(a_torn_last_line_is_ignored)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	site_mkdir(site, "ab");
	log_text(site, HEADER);
	log_directory(site, "ab", "\n");
	log_directory(site, "a", ""); /* of ".../abc", say */
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "a"));
	assert_false(site_has(site, "ab"));
}

SITE_TEST(a_torn_header_is_ignored)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	log_directory(site, "a", "");
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "a"));
}

SITE_TEST(a_line_that_is_no_record_is_skipped)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	site_mkdir(site, "b");
	log_text(site, HEADER);
	log_directory(site, "a", "\n");
	log_text(site, "garbage\n\n\033[31m\ndirectory\n");
	log_directory(site, "b", "\n");
	play(site);
	assert_false(site_has(site, "a"));
	assert_false(site_has(site, "b"));
}

SITE_TEST(garbage_with_zeros_in_it_is_skipped_too)
{
	struct site *site = *state;
	static const char zeros[] = "\0\0garbage\0\0\n";

	site_mkdir(site, "a");
	site_mkdir(site, "b");
	log_text(site, HEADER);
	log_directory(site, "a", "\n");
	log_write(site, zeros, sizeof(zeros) - 1);
	log_directory(site, "b", "\n");
	play(site);
	assert_false(site_has(site, "a"));
	assert_false(site_has(site, "b"));
}

SITE_TEST(it_goes_on_after_a_failure_and_returns_it)
{
	struct site *site = *state;
	char name[NAME_MAX + 2] = "";

	memset(name, 'n', sizeof(name) - 1); /* no file system takes such a name */
	site_mkdir(site, "a");
	site_mkdir(site, "b");
	log_text(site, HEADER);
	log_directory(site, "a", "\n");
	log_directory(site, name, "\n");
	log_directory(site, "b", "\n");
	assert_int_equal(play(site), -ENAMETOOLONG);
	assert_false(site_has(site, "a"));
	assert_false(site_has(site, "b"));
}

SITE_TEST(what_is_in_use_or_no_directory_stays)
{
	struct site *site = *state;
	int fd;

	site_mkdir(site, "full");
	fd = open(site_path(site, "full/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	log_text(site, HEADER);
	log_directory(site, "full", "\n");
	log_directory(site, "full/file", "\n");
	log_directory(site, "never/made", "\n");
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "full/file"));
}

SITE_TEST(no_link_is_followed)
{
	struct site *site = *state;

	site_mkdir(site, "elsewhere");
	site_mkdir(site, "elsewhere/a");
	assert_int_equal(symlink("elsewhere", site_path(site, "link")), 0);
	log_text(site, HEADER);
	log_directory(site, "link/a", "\n");
	log_directory(site, "link", "\n");
	assert_int_equal(play(site), 0);
	assert_true(site_has(site, "elsewhere/a"));
	assert_true(site_has(site, "link"));
}

SITE_TEST(an_uplink_that_is_gone_is_no_error)
{
	struct site *site = *state;

	site_mkdir(site, "a");
	log_text(site, HEADER);
	log_directory(site, "a", "\n");
	log_number(site);
	log_text(site, "uplink ipv4 2147483647\n");
	assert_int_equal(play(site), 0);
	assert_false(site_has(site, "a"));
}

SITE_TEST(an_uplink_is_turned_off_before_its_lro_is_turned_on)
{
	struct site *site = *state;

	uplink.ifindex = 7;
	uplink.is_on = true;
	uplink.has_lro = false;
	log_text(site, HEADER "1 lro 7\n2 uplink ipv4 7\n");
	assert_int_equal(play(site), 0);
	assert_false(uplink.is_on);
	assert_true(uplink.has_lro);
}

/* What belongs to it stays in the log, with its guard: the next one who plays it ends it. */
SITE_TEST(an_uplink_that_is_being_renamed_keeps_its_records)
{
	struct site *site = *state;
	const char records[] = HEADER "1 guard uva_guard_0123456789ab\n2 lro 7\n3 uplink ipv4 7\n";
	char text[sizeof(records)];

	uplink.ifindex = 7;
	uplink.is_on = true;
	uplink.has_lro = false;
	uplink.err = -EINPROGRESS;
	log_text(site, records);
	assert_int_equal(play(site), -EBUSY);
	assert_true(uplink.is_on);
	assert_int_equal(pread(site->log, text, sizeof(text), 0), strlen(records));
	assert_memory_equal(text, records, strlen(records));
}

SITE_TEST(a_control_group_that_is_gone_is_no_error)
{
	struct site *site = *state;

	log_text(site, HEADER);
	log_number(site);
	log_text(site, "cgroup ");
	log_text(site, site_path(site, "gone/group\n"));
	assert_int_equal(play(site), 0);
}

SITE_TEST(a_control_group_that_cannot_be_opened_is_one)
{
	struct site *site = *state;
	char name[NAME_MAX + 2];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_text(site, HEADER);
	log_number(site);
	log_text(site, "cgroup ");
	log_text(site, site_path(site, name));
	log_text(site, "\n");
	assert_int_equal(play(site), -ENAMETOOLONG);
	assert_int_equal(play(site), -ENAMETOOLONG); /* it is still in the log */
}

TEST(a_log_that_cannot_be_read_is_an_error)
{
	assert_int_equal(undo_play(-1, -1, &(struct netlink){0}), -EBADF);
}

#define SITE_UNIT_TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_UNIT_TEST(an_empty_file_is_nothing_to_do),
		SITE_UNIT_TEST(a_header_alone_is_nothing_to_do),
		SITE_UNIT_TEST(the_first_line_is_never_a_record),
		SITE_UNIT_TEST(the_newest_goes_first),
		SITE_UNIT_TEST(the_oldest_first_would_have_shown),
		SITE_UNIT_TEST(the_numbers_tell_the_order_not_the_places),
		SITE_UNIT_TEST(a_void_line_is_not_undone),
		SITE_UNIT_TEST(what_is_undone_is_void_and_what_is_not_stays),
		SITE_UNIT_TEST(playing_twice_is_playing_once),
		SITE_UNIT_TEST(a_torn_last_line_is_ignored),
		SITE_UNIT_TEST(a_torn_header_is_ignored),
		SITE_UNIT_TEST(a_line_that_is_no_record_is_skipped),
		SITE_UNIT_TEST(garbage_with_zeros_in_it_is_skipped_too),
		SITE_UNIT_TEST(it_goes_on_after_a_failure_and_returns_it),
		SITE_UNIT_TEST(what_is_in_use_or_no_directory_stays),
		SITE_UNIT_TEST(no_link_is_followed),
		SITE_UNIT_TEST(an_uplink_that_is_gone_is_no_error),
		SITE_UNIT_TEST(an_uplink_is_turned_off_before_its_lro_is_turned_on),
		SITE_UNIT_TEST(an_uplink_that_is_being_renamed_keeps_its_records),
		SITE_UNIT_TEST(a_control_group_that_is_gone_is_no_error),
		SITE_UNIT_TEST(a_control_group_that_cannot_be_opened_is_one),
		cmocka_unit_test(a_log_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests_name("undo", tests, NULL, NULL);
}
