// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_readiness.c - what a program says of itself.
 */
#include "run/readiness.h"

#include <string.h>

#include "unit.h"

static int parse(const char *text)
{
	return readiness_parse(text, strlen(text));
}

TEST(it_is_ready_or_stops)
{
	assert_int_equal(parse("READY=1"), 1);
	assert_int_equal(parse("READY=1\n"), 1);
	assert_int_equal(parse("STOPPING=1"), 0);
	assert_int_equal(parse("STATUS=up\nREADY=1\nMAINPID=7"), 1);
	assert_int_equal(parse("\n\nSTOPPING=1\n\n"), 0);
}

TEST(what_is_said_last_counts)
{
	assert_int_equal(parse("READY=1\nSTOPPING=1"), 0);
	assert_int_equal(parse("STOPPING=1\nREADY=1"), 1);
}

TEST(all_else_says_nothing)
{
	static const char *const texts[] = {
		"",         "\n",       "READY",    "READY=",  "READY=0",        "READY=11",
		"READY=1 ", "XREADY=1", " READY=1", "ready=1", "STATUS=READY=1", "STOPPING=0",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(parse(texts[i]), -1);
	assert_int_equal(readiness_parse("READY=1\0", 8), -1);
	assert_int_equal(readiness_parse("READY=1x", 7), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ready_or_stops),
		cmocka_unit_test(what_is_said_last_counts),
		cmocka_unit_test(all_else_says_nothing),
	};

	return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
