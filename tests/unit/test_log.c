// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_log.c - the file of an undo log: records go in and out, the file stays small, and whatever
 * byte a writer is killed at, a reader finds a record or none.
 */
#include "host/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "unit.h"

enum { TEXT_MAX = 65536, FOUND_MAX = 64 };

/* A log with nothing in it but its header. */
static struct log log_new(void)
{
	struct log log;
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, LOG_HEADER, strlen(LOG_HEADER)), strlen(LOG_HEADER));
	log_open(&log, fd);
	return log;
}

static size_t log_size(const struct log *log)
{
	struct stat st;

	assert_int_equal(fstat(log->fd, &st), 0);
	return (size_t)st.st_size;
}

static void assert_text(const struct log *log, const char *expected)
{
	char text[TEXT_MAX] = "";

	assert_true(pread(log->fd, text, sizeof(text) - 1, 0) >= (ssize_t)strlen(LOG_HEADER));
	assert_memory_equal(text, LOG_HEADER, strlen(LOG_HEADER));
	assert_string_equal(text + strlen(LOG_HEADER), expected);
}

static struct record record_of(const char *path)
{
	struct record record = {.kind = RECORD_DIRECTORY};

	snprintf(record.path, sizeof(record.path), "%s", path);
	return record;
}

static struct log_entry note(struct log *log, const char *path)
{
	const struct record record = record_of(path);
	struct log_entry entry;

	assert_int_equal(log_note(log, &record, &entry), 0);
	return entry;
}

/* The paths of the records that are found, each with a blank behind it; "?" for each junk line. */
struct found {
	char text[TEXT_MAX];
	size_t length;
};

static void found_add(struct found *found, const char *what)
{
	found->length += (size_t)snprintf(found->text + found->length,
					  sizeof(found->text) - found->length, "%s ", what);
	assert_true(found->length < sizeof(found->text));
}

static struct found *found_now;

static int on_record(const struct log_record *record, void *data)
{
	found_add(data, record->record.path);
	return 0;
}

static void on_junk(const char *line)
{
	(void)line;
	found_add(found_now, "?");
}

static void assert_found(int fd, const char *expected)
{
	struct found *found = calloc(1, sizeof(*found));

	assert_non_null(found);
	found_now = found;
	assert_int_equal(log_read(fd, on_record, on_junk, found), 0);
	assert_string_equal(found->text, expected);
	free(found);
}

TEST(records_are_numbered_lines)
{
	static const char expected[] = "1 links 02:5e:10:00:53:01\n"
				       "2 conntrack 10.90.0.0/24 fd00:90::/64\n"
				       "3 uplink ipv4 2\n"
				       "4 directory /tmp/my project\n";
	struct record records[] = {
		{.kind = RECORD_LINKS, .mac = {{0x02, 0x5e, 0x10, 0x00, 0x53, 0x01}}},
		{.kind = RECORD_CONNTRACK},
		{.kind = RECORD_UPLINK, .family = AF_INET, .ifindex = 2},
		{.kind = RECORD_DIRECTORY, .path = "/tmp/my project"},
	};
	struct log log = log_new();

	assert_true(address_parse(&records[1].networks[0], "10.90.0.0/24"));
	assert_true(address_parse(&records[1].networks[1], "fd00:90::/64"));
	for (size_t i = 0; i < COUNT(records); i++)
		assert_int_equal(log_note(&log, &records[i], NULL), 0);
	assert_text(&log, expected);
	log_close(&log);
}

static int finds(const struct log *log, enum record_kind kind, sa_family_t family,
		 unsigned int ifindex)
{
	const struct record wanted = {.kind = kind, .family = family, .ifindex = ifindex};

	return log_find_link(log->fd, &wanted);
}

TEST(an_uplink_is_found_in_the_log)
{
	struct log log = log_new();
	struct record record = {.kind = RECORD_UPLINK, .family = AF_INET, .ifindex = 12};
	const struct record lro = {.kind = RECORD_LRO, .ifindex = 12};
	struct log_entry entry;

	note(&log, "/uplink ipv4 1");
	assert_int_equal(log_note(&log, &record, &entry), 0);
	assert_int_equal(1, finds(&log, RECORD_UPLINK, AF_INET, 12));
	assert_int_equal(0, finds(&log, RECORD_UPLINK, AF_INET6, 12));
	assert_int_equal(0, finds(&log, RECORD_UPLINK, AF_INET, 1));
	assert_int_equal(0, finds(&log, RECORD_UPLINK, AF_INET, 2));
	assert_int_equal(0, finds(&log, RECORD_LRO, AF_UNSPEC, 12));
	assert_int_equal(log_note(&log, &lro, NULL), 0);
	log_retire(&log, &entry);
	assert_int_equal(1, finds(&log, RECORD_LRO, AF_UNSPEC, 12));
	assert_int_equal(0, finds(&log, RECORD_UPLINK, AF_INET, 12));
	log_close(&log);
}

TEST(a_record_that_cannot_be_written_is_an_error)
{
	const struct record record = record_of("/tmp/project");
	struct log log;

	log_open(&log, open("/dev/full", O_WRONLY | O_CLOEXEC));
	assert_true(log.fd >= 0);
	assert_true(log_note(&log, &record, NULL) < 0);
	log_close(&log);
}

TEST(a_retired_record_is_void)
{
	struct log log = log_new();
	struct log_entry first = note(&log, "/a");

	note(&log, "/b");
	log_retire(&log, &first);
	assert_text(&log, "# directory /a\n2 directory /b\n");
	assert_found(log.fd, "/b ");
	assert_int_equal(first.offset, 0);
	log_retire(&log, &first); /* does nothing */
	assert_found(log.fd, "/b ");
	log_close(&log);
}

TEST(the_end_of_the_file_is_given_back)
{
	struct log log = log_new();
	struct log_entry first = note(&log, "/a"), second = note(&log, "/b");

	log_retire(&log, &first);
	log_retire(&log, &second);
	assert_text(&log, "");
	assert_int_equal(log.hole_count, 0);
	log_close(&log);
}

TEST(room_is_used_again_and_what_is_left_of_it_stays_void)
{
	struct log log = log_new();
	struct log_entry hole = note(&log, "/a-long-name"), last;

	last = note(&log, "/b");
	log_retire(&log, &hole);
	note(&log, "/c");
	assert_text(&log, "3 directory /c\n#ong-name\n2 directory /b\n");
	assert_found(log.fd, "/c /b ");
	log_retire(&log, &last); /* together with the void line before it */
	assert_text(&log, "3 directory /c\n");
	log_close(&log);
}

TEST(room_that_would_leave_a_single_byte_is_not_used)
{
	struct log log = log_new();
	struct log_entry hole = note(&log, "/ab");

	note(&log, "/x");
	log_retire(&log, &hole);
	note(&log, "/c");
	assert_text(&log, "# directory /ab\n2 directory /x\n3 directory /c\n");
	log_close(&log);
}

TEST(the_newest_is_read_first_wherever_it_lies)
{
	struct log log = log_new();
	struct log_entry hole = note(&log, "/1");

	note(&log, "/2");
	log_retire(&log, &hole);
	note(&log, "/3");
	note(&log, "/4");
	assert_found(log.fd, "/4 /3 /2 ");
	log_close(&log);
}

TEST(what_is_no_line_of_ours_is_junk)
{
	static const char text[] = "01 directory /a\n 1 directory /a\n1  directory /a\n"
				   "directory /a\n-1 directory /a\n1directory /a\n"
				   "4294967296 directory /a\n+1 directory /a\n1 directory\n";
	struct log log = log_new();

	assert_int_equal(pwrite(log.fd, text, strlen(text), (off_t)strlen(LOG_HEADER)),
			 strlen(text));
	assert_found(log.fd, "? ? ? ? ? ? ? ? ? ");
	log_close(&log);
}

static int stop_with_7(const struct log_record *record, void *data)
{
	(void)record;
	(void)data;
	return 7;
}

TEST(what_stopped_the_reading_is_returned)
{
	struct log log = log_new();

	assert_int_equal(log_read(log.fd, stop_with_7, NULL, NULL), 0);
	note(&log, "/a");
	assert_int_equal(log_read(-1, on_record, NULL, NULL), -EBADF);
	assert_int_equal(log_read(log.fd, stop_with_7, NULL, NULL), 7);
	log_close(&log);
}

/* ---- Many records come and go ---- */

/* What the log should hold: paths of the length that their numbers say. */
struct model {
	struct log_entry entries[FOUND_MAX];
	char paths[FOUND_MAX][300];
	unsigned int numbers[FOUND_MAX];
	size_t count;
};

static void model_add(struct model *model, struct log *log, struct random_stream *random)
{
	char *path = model->paths[model->count];
	size_t length = 2 + random_below(random, random_below(random, 4) ? 12 : 250);

	memset(path, 0, sizeof(model->paths[0]));
	memset(path, 'a' + (int)random_below(random, 26), length);
	path[0] = '/';
	model->numbers[model->count] = log->next;
	model->entries[model->count++] = note(log, path);
}

static void model_remove(struct model *model, struct log *log, size_t index)
{
	log_retire(log, &model->entries[index]);
	model->count--;
	model->entries[index] = model->entries[model->count];
	model->numbers[index] = model->numbers[model->count];
	memcpy(model->paths[index], model->paths[model->count], sizeof(model->paths[0]));
}

static int model_on_record(const struct log_record *found, void *data)
{
	struct model *model = data;

	for (size_t i = 0; i < model->count; i++)
		if (model->numbers[i] == found->number) {
			assert_string_equal(found->record.path, model->paths[i]);
			model->numbers[i] = 0; /* seen */
			return 0;
		}
	fail_msg("record %u is not in the log any more", found->number);
	return 0;
}

static void model_junk(const char *line)
{
	fail_msg("junk in the log: %s", line);
}

static void model_check(const struct model *model, const struct log *log)
{
	struct model copy = *model;

	assert_int_equal(log_read(log->fd, model_on_record, model_junk, &copy), 0);
	for (size_t i = 0; i < copy.count; i++)
		assert_int_equal(copy.numbers[i], 0);
}

TEST(however_many_come_and_go_the_log_stays_small)
{
	static struct model model;
	struct random_stream random = random_start();
	struct log log = log_new();

	for (int i = 0; i < 20000; i++) {
		if (model.count < FOUND_MAX && (model.count == 0 || random_below(&random, 2)))
			model_add(&model, &log, &random);
		else
			model_remove(&model, &log, random_below(&random, (uint32_t)model.count));
		if (i % 50 == 0)
			model_check(&model, &log);
		assert_true(log_size(&log) < (size_t)3 * FOUND_MAX * 300);
	}
	while (model.count)
		model_remove(&model, &log, model.count - 1);
	assert_int_equal(log_size(&log), strlen(LOG_HEADER));
	log_close(&log);
}

/* ---- A writer that is killed ---- */

/* Every state of the file while log.c turns @before into @after, whose first line is @length bytes
 * long: the byte behind that line is written first, the first byte of all last. */
static void assert_every_state(const char *before, const char *after, size_t length,
			       const char *found_before, const char *found_after)
{
	char *text = strdup(before);

	assert_non_null(text);
	assert_int_equal(strlen(after), strlen(before));
	text[length] = after[length];
	for (size_t done = 0; done <= length; done++) {
		int fd = memfd_create("torn", MFD_CLOEXEC);

		if (done > 0)
			text[done % length] = after[done % length];
		assert_int_equal(write(fd, LOG_HEADER, strlen(LOG_HEADER)), strlen(LOG_HEADER));
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
		assert_found(fd, done < length ? found_before : found_after);
		close(fd);
	}
	assert_string_equal(text, after);
	free(text);
}

TEST(a_writer_that_is_killed_leaves_a_record_or_none)
{
	assert_every_state("# directory /a-long-name\n2 directory /b\n",
			   "3 directory /c\n#ong-name\n2 directory /b\n",
			   strlen("3 directory /c\n"), "/b ", "/c /b ");
	/* two void lines that have become one room */
	assert_every_state("# directory /a\n# directory /b\n4 directory /d\n",
			   "5 directory /a-longer\n#ory /b\n4 directory /d\n",
			   strlen("5 directory /a-longer\n"), "/d ", "/a-longer /d ");
}

TEST(a_torn_last_line_is_ignored)
{
	static const char line[] = "2 directory /bcd\n";
	struct log log = log_new();

	note(&log, "/a");
	for (size_t length = 0; length < strlen(line); length++) {
		assert_int_equal(pwrite(log.fd, line, length, log.end), length);
		assert_found(log.fd, "/a ");
	}
	assert_int_equal(pwrite(log.fd, line, strlen(line), log.end), strlen(line));
	assert_found(log.fd, "/bcd /a ");
	log_close(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_numbered_lines),
		cmocka_unit_test(an_uplink_is_found_in_the_log),
		cmocka_unit_test(a_record_that_cannot_be_written_is_an_error),
		cmocka_unit_test(a_retired_record_is_void),
		cmocka_unit_test(the_end_of_the_file_is_given_back),
		cmocka_unit_test(room_is_used_again_and_what_is_left_of_it_stays_void),
		cmocka_unit_test(room_that_would_leave_a_single_byte_is_not_used),
		cmocka_unit_test(the_newest_is_read_first_wherever_it_lies),
		cmocka_unit_test(what_is_no_line_of_ours_is_junk),
		cmocka_unit_test(what_stopped_the_reading_is_returned),
		cmocka_unit_test(however_many_come_and_go_the_log_stays_small),
		cmocka_unit_test(a_writer_that_is_killed_leaves_a_record_or_none),
		cmocka_unit_test(a_torn_last_line_is_ignored),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
