// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_record.c - the undo log's records as lines and back, and hostile lines that are no records.
 */
#include "host/record.h"

#include <limits.h>
#include <string.h>

#include "unit.h"

static bool parses(const char *line)
{
	struct record record;

	return record_parse(line, &record);
}

static void assert_all_refused(const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (parses(lines[i]))
			fail_msg("taken for a record: \"%s\"", lines[i]);
}

/* Through a line and back: that is the same record, as the same line shows. */
static void assert_roundtrip(const struct record *record, const char *expected)
{
	char line[RECORD_LINE_MAX], again[RECORD_LINE_MAX];
	struct record back;

	record_format(record, line);
	if (expected)
		assert_string_equal(line, expected);
	assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
	line[strlen(line) - 1] = '\0';
	assert_true(record_parse(line, &back));
	assert_int_equal(back.kind, record->kind);
	record_format(&back, again);
	again[strlen(again) - 1] = '\0';
	assert_string_equal(again, line);
}

TEST(links_as_a_line_and_back)
{
	const struct record record = {
		.kind = RECORD_LINKS,
		.mac = {{0x02, 0x5e, 0x10, 0x00, 0x53, 0x01}},
	};
	struct record back;

	assert_roundtrip(&record, "links 02:5e:10:00:53:01\n");
	assert_true(record_parse("links 02:5e:10:00:53:01", &back));
	assert_memory_equal(&back.mac, &record.mac, sizeof(back.mac));
}

TEST(conntrack_as_a_line_and_back)
{
	struct record record = {.kind = RECORD_CONNTRACK};

	assert_true(address_parse(&record.networks[0], "10.90.0.0/24"));
	assert_true(address_parse(&record.networks[1], "fd00:90::/64"));
	assert_roundtrip(&record, "conntrack 10.90.0.0/24 fd00:90::/64\n");
}

TEST(uplinks_as_lines_and_back)
{
	const struct record ipv4 = {.kind = RECORD_UPLINK, .family = AF_INET, .ifindex = 2};
	const struct record ipv6 = {.kind = RECORD_UPLINK, .family = AF_INET6, .ifindex = INT_MAX};
	struct record back;

	assert_roundtrip(&ipv4, "uplink ipv4 2\n");
	assert_roundtrip(&ipv6, "uplink ipv6 2147483647\n");
	assert_true(record_parse("uplink ipv6 7", &back));
	assert_int_equal(back.family, AF_INET6);
	assert_int_equal(back.ifindex, 7);
}

TEST(receive_offload_as_a_line_and_back)
{
	const struct record record = {.kind = RECORD_LRO, .ifindex = 2};
	struct record back;

	assert_roundtrip(&record, "lro 2\n");
	assert_true(record_parse("lro 2147483647", &back));
	assert_int_equal(back.ifindex, INT_MAX);
	assert_false(parses("lro"));
	assert_false(parses("lro 0"));
	assert_false(parses("lro 02"));
	assert_false(parses("lro 2147483648"));
	assert_false(parses("lro ipv4 2"));
}

TEST(an_uplink_is_a_link_in_one_of_two_families)
{
	static const char *const lines[] = {
		"uplink",           "uplink ",
		"uplink 2",         "uplink ipv4",
		"uplink ipv4 ",     "uplink ipv4 0",
		"uplink ipv4 -1",   "uplink ipv4 02",
		"uplink ipv4 2 2",  "uplink ipv5 2",
		"uplink IPV4 2",    "uplink ipv4 2147483648",
		"uplink ipv4 eth0", "uplink ipv4 99999999999999999999",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(guard_as_a_line_and_back)
{
	struct record record = {.kind = RECORD_GUARD};

	guard_format_name(&(struct mac){{0x02, 0x5e, 0x10, 0x00, 0x53, 0x01}}, record.table);
	assert_roundtrip(&record, "guard uva_guard_025e10005301\n");
}

TEST(a_guard_is_no_table_of_others)
{
	static const char *const lines[] = {
		"guard",
		"guard ",
		"guard filter",
		"guard uva_guard_",
		"guard uva_guard_025e1000530",
		"guard uva_guard_025e100053010",
		"guard uva_guard_025E10005301",
		"guard uva_guard_025e1000530g",
		"guard uva_guard_025e10005301 x",
		"guard uva_guard_025e10005301025e10005301025e10005301",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(rules_as_a_line_and_back)
{
	struct record record = {.kind = RECORD_RULES, .link = "uva0"};
	struct record back;

	assert_true(address_parse(&record.networks[0], "10.90.0.0/24"));
	assert_true(address_parse(&record.networks[1], "fd00:90::/64"));
	assert_roundtrip(&record, "rules uva0 10.90.0.0/24 fd00:90::/64\n");
	assert_true(record_parse("rules uva12345678 10.90.0.0/24 fd00:90::/64", &back));
	assert_string_equal(back.link, "uva12345678");
}

TEST(rules_are_of_a_link_and_two_networks)
{
	static const char *const lines[] = {
		"rules",
		"rules ",
		"rules uva0",
		"rules uva0 10.90.0.0/24",
		"rules 10.90.0.0/24 fd00:90::/64",
		"rules  10.90.0.0/24 fd00:90::/64",
		"rules uva0 10.90.0.0/24 10.91.0.0/24",
		"rules uva0 fd00:90::/64 10.90.0.0/24",
		"rules uva0 0.0.0.0/0 ::/0",
		"rules uva0123456789abc 10.90.0.0/24 fd00:90::/64",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(control_group_as_a_line_and_back)
{
	struct record record = {.kind = RECORD_CGROUP, .path = "/sys/fs/cgroup/a b.service"};

	assert_roundtrip(&record, "cgroup /sys/fs/cgroup/a b.service\n");
}

TEST(directory_as_a_line_and_back)
{
	const struct record record = {.kind = RECORD_DIRECTORY, .path = "/tmp/project"};

	assert_roundtrip(&record, "directory /tmp/project\n");
}

TEST(blanks_in_a_path_survive)
{
	const struct record directory = {.kind = RECORD_DIRECTORY, .path = "/tmp/ my  project "};
	struct record back;

	assert_roundtrip(&directory, "directory /tmp/ my  project \n");
	assert_true(record_parse("directory /tmp/ my  project ", &back));
	assert_string_equal(back.path, directory.path);
}

TEST(two_dots_that_are_part_of_a_name_survive)
{
	assert_true(parses("directory /tmp/a..b/..c/d.."));
	assert_true(parses("directory /tmp/.../x"));
}

TEST(the_longest_record_fits_its_line)
{
	struct record record = {.kind = RECORD_CGROUP};

	memset(record.path, 'p', sizeof(record.path) - 1);
	record.path[0] = '/';
	assert_roundtrip(&record, NULL);
	record.kind = RECORD_DIRECTORY;
	assert_roundtrip(&record, NULL);
}

TEST(a_path_that_is_too_long_is_refused)
{
	char line[RECORD_LINE_MAX + PATH_MAX] = "directory /";
	const size_t begin = strlen("directory ");

	memset(line + begin + 1, 'd', PATH_MAX - 2);
	assert_true(parses(line)); /* PATH_MAX - 1 bytes and their end */
	line[begin + PATH_MAX - 1] = 'd';
	assert_false(parses(line));
	memset(line + begin + 1, 'd', sizeof(line) - begin - 2);
	assert_false(parses(line));
}

TEST(no_record_no_parse)
{
	static const char *const lines[] = {
		"",
		" ",
		"links",
		"links ",
		"conntrack",
		"conntrack ",
		"sysctl 0 1 net/ipv4/conf/eth0/forwarding", /* of an earlier version */
		"directory",
		"directory ",
		"rm -rf /",
		"DIRECTORY /tmp/x",
		" directory /tmp/x",
		"directory\t/tmp/x",
		"directoryx /tmp/x",
		"dir /tmp/x",
		"link 02:5e:10:00:53:01",
		"# links",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(a_mac_that_is_none_is_refused)
{
	static const char *const lines[] = {
		"links 02:5e:10:00:53",     "links 02:5e:10:00:53:",
		"links 02:5e:10:00:53:0",   "links 02:5e:10:00:53:01:",
		"links 02:5e:10:00:53:01 ", "links 02:5e:10:00:53:01:02",
		"links 02:5e:10:00:53:0g",  "links 02-5e-10-00-53-01",
		"links 025e10005301",       "links  02:5e:10:00:53:01",
		"links 102:5e:10:00:53:01", "links eth0",
		"links 2:5e:10:00:53:1 x",  "links 02:5e:10:00:53:1 ",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(a_mac_that_cannot_be_ours_is_refused)
{
	static const char *const lines[] = {
		"links 00:5e:10:00:53:01",                            /* a maker's own */
		"links 00:00:00:00:00:00", "links 01:00:5e:00:00:01", /* a group's, and none of a
									 link */
		"links fc:5e:10:00:53:01", "links 03:5e:10:00:53:01", "links ff:ff:ff:ff:ff:ff",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(networks_are_one_of_each_family_with_its_prefix)
{
	static const char *const lines[] = {
		"conntrack 10.90.0.0/24",
		"conntrack 10.90.0.0/24 ",
		"conntrack fd00::/64 10.90.0.0/24",
		"conntrack 10.90.0.0/24 10.91.0.0/24",
		"conntrack 10.90.0.0 fd00::/64",
		"conntrack 10.90.0.0/24 fd00::",
		"conntrack 10.90.0.0/ fd00::/64",
		"conntrack 10.90.0.0/33 fd00::/64",
		"conntrack 10.90.0.0/24 fd00::/129",
		"conntrack 0.0.0.0/0 fd00::/64",
		"conntrack 10.90.0.0/24 ::/0",
		"conntrack /24 fd00::/64",
		"conntrack 10.90.0.0/24 fd00::/64 x",
		"conntrack  10.90.0.0/24 fd00::/64",
		"conntrack eth0/24 fd00::/64",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(a_directory_is_absolute_and_without_detours)
{
	static const char *const lines[] = {
		"directory tmp/x",     "directory ./x",          "directory ../x",
		"directory /../tmp/x", "directory /tmp/../home", "directory /tmp/x/../../home",
		"directory  /tmp/x",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(a_path_does_not_end_in_two_dots)
{
	static const char *const lines[] = {
		"directory /tmp/x/..",
		"directory /..",
	};

	assert_all_refused(lines, COUNT(lines));
}

TEST(whatever_is_taken_for_a_record_formats_as_one)
{
	static const char *const lines[] = {
		"links 02:5e:10:00:53:01",
		"conntrack 10.90.0.0/24 fd00:90::/64",
		"uplink ipv4 12",
		"lro 12",
		"directory /tmp/project",
		"cgroup /sys/fs/cgroup/a.service",
		"guard uva_guard_025e10005301",
		"rules uva0 10.90.0.0/24 fd00:90::/64",
	};
	struct random_stream random = random_start();

	for (int i = 0; i < 100000; i++) {
		char line[64];
		struct record record;
		uint32_t edits = 1 + random_below(&random, 4);

		snprintf(line, sizeof(line), "%s", lines[random_below(&random, COUNT(lines))]);
		while (edits-- > 0) {
			char c = (char)random_next(&random);

			if (c != '\n')
				line[random_below(&random, (uint32_t)strlen(line) + 1)] = c;
			line[sizeof(line) - 1] = '\0';
		}
		if (record_parse(line, &record))
			assert_roundtrip(&record, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_as_a_line_and_back),
		cmocka_unit_test(conntrack_as_a_line_and_back),
		cmocka_unit_test(directory_as_a_line_and_back),
		cmocka_unit_test(blanks_in_a_path_survive),
		cmocka_unit_test(two_dots_that_are_part_of_a_name_survive),
		cmocka_unit_test(the_longest_record_fits_its_line),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
		cmocka_unit_test(no_record_no_parse),
		cmocka_unit_test(a_mac_that_is_none_is_refused),
		cmocka_unit_test(a_mac_that_cannot_be_ours_is_refused),
		cmocka_unit_test(uplinks_as_lines_and_back),
		cmocka_unit_test(an_uplink_is_a_link_in_one_of_two_families),
		cmocka_unit_test(guard_as_a_line_and_back),
		cmocka_unit_test(a_guard_is_no_table_of_others),
		cmocka_unit_test(receive_offload_as_a_line_and_back),
		cmocka_unit_test(rules_as_a_line_and_back),
		cmocka_unit_test(rules_are_of_a_link_and_two_networks),
		cmocka_unit_test(control_group_as_a_line_and_back),
		cmocka_unit_test(networks_are_one_of_each_family_with_its_prefix),
		cmocka_unit_test(a_directory_is_absolute_and_without_detours),
		cmocka_unit_test(a_path_does_not_end_in_two_dots),
		cmocka_unit_test(whatever_is_taken_for_a_record_formats_as_one),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
