// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * event.c - objects of libjansson.
 *
 * What has no memory left gives NULL there; its functions take that, and say so in the end.
 */
#include "portmux/event.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/error.h"
#include "portmux/describe.h"

static json_t *event_at(const char *event, const struct timespec *time)
{
	json_t *object = json_object();
	char text[48], moment[80];
	struct tm utc;

	gmtime_r(&time->tv_sec, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc); /* RFC 3339 */
	snprintf(moment, sizeof(moment), "%s.%06ldZ", text, time->tv_nsec / 1000);
	json_object_set_new(object, "event", json_string(event));
	json_object_set_new(object, "time", json_string(moment));
	return object;
}

static json_t *event_new(const char *event)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return event_at(event, &now);
}

static json_t *event_of_copy(const char *event, unsigned int number)
{
	json_t *object = event_new(event);

	json_object_set_new(object, "copy", json_integer(number));
	return object;
}

/* Return: 0 or -ENOMEM. */
static int event_write(struct run *run, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT);
	int err = line ? 0 : -ENOMEM;

	if (line) {
		run_write(run, line, strlen(line));
		run_write(run, "\n", 1);
	}
	free(line);
	json_decref(object);
	return err;
}

static void event_send(struct run *run, json_t *object)
{
	int err = event_write(run, object);

	if (err)
		error_report(err, "an event is lost");
}

/* ---- Text ---- */

static size_t event_sequence(const unsigned char *text, size_t length)
{
	size_t wanted = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	json_t *piece;

	if (wanted > length)
		return 0;
	piece = json_stringn((const char *)text, wanted); /* it knows what is UTF-8 */
	json_decref(piece);
	return piece ? wanted : 0;
}

/* Each byte that is not part of a character becomes U+FFFD. */
static json_t *event_readable(const char *text, size_t length)
{
	static const char UNKNOWN[] = "\xef\xbf\xbd";
	char *readable = malloc(3 * length + 1);
	size_t size = 0;
	json_t *value;

	if (!readable)
		return NULL;
	for (size_t i = 0; i < length;) {
		size_t taken = event_sequence((const unsigned char *)text + i, length - i);

		memcpy(readable + size, taken ? text + i : UNKNOWN, taken ? taken : 3);
		size += taken ? taken : 3;
		i += taken ? taken : 1;
	}
	value = json_stringn(readable, size);
	free(readable);
	return value;
}

/* RFC 4648, section 4 */
static json_t *event_base64(const char *text, size_t length)
{
	static const char DIGITS[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *encoded = malloc(4 * (length / 3 + 1) + 1);
	size_t size = 0;
	json_t *value;

	if (!encoded)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		unsigned int group = 0;

		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (i + j < length ? (unsigned char)text[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			encoded[size++] = i + j > length ? '=' : DIGITS[group >> (18 - 6 * j) & 63];
	}
	value = json_stringn(encoded, size);
	free(encoded);
	return value;
}

static void event_set_text(json_t *object, const char *text, size_t length)
{
	json_t *value = json_stringn(text, length);

	if (value) {
		json_object_set_new(object, "text", value);
		return;
	}
	json_object_set_new(object, "text", event_readable(text, length));
	json_object_set_new(object, "base64", event_base64(text, length));
}

/* ---- Events ---- */

void event_copy(struct run *run, const char *event, const struct run_copy *copy)
{
	json_t *object = event_of_copy(event, copy->number);

	if (copy->pid)
		json_object_set_new(object, "pid", json_integer(copy->pid));
	if (!copy->pid && copy->has_status && WIFEXITED(copy->status))
		json_object_set_new(object, "status", json_integer(WEXITSTATUS(copy->status)));
	if (!copy->pid && copy->has_status && WIFSIGNALED(copy->status))
		json_object_set_new(object, "signal", json_integer(WTERMSIG(copy->status)));
	event_send(run, object);
}

struct event_target {
	struct run *run;
	unsigned int number, count;
};

static void event_ready_at(void *data, const struct run_mapping *mapping)
{
	struct event_target *target = data;
	json_t *object = event_of_copy("ready", target->number);

	describe_mapping(object, mapping);
	event_send(target->run, object);
	target->count++;
}

void event_ready(struct run *run, unsigned int number)
{
	struct event_target target = {.run = run, .number = number};

	run_each_mapping(run, number, event_ready_at, &target);
	if (target.count == 0)
		event_send(run, event_of_copy("ready", number));
}

json_t *event_printed(unsigned int number, const struct timespec *time, const char *text,
		      size_t length)
{
	json_t *object = event_at("output", time);

	json_object_set_new(object, "copy", json_integer(number));
	event_set_text(object, text, length);
	return object;
}

void event_health(struct run *run, const struct run_copy *copy)
{
	bool is_healthy = copy->health == HEALTH_HEALTHY;
	json_t *object = event_of_copy(is_healthy ? "healthy" : "unhealthy", copy->number);

	if (!is_healthy)
		event_set_text(object, copy->health_why, strlen(copy->health_why));
	event_send(run, object);
}

void event_output(struct run *run, unsigned int number, const char *text, size_t length)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event_send(run, event_printed(number, &now, text, length));
}

void event_error(struct run *run, const char *line, size_t length)
{
	json_t *object = event_new("error");
	const char *text = memmem(line, length, ": ", 2);

	text = text ? text + 2 : line;
	length -= (size_t)(text - line);
	event_set_text(object, text, length > 0 ? length - 1 : 0);
	event_write(run, object); /* to say that this one is lost would be another one */
}

void event_stopped(struct run *run, int status)
{
	json_t *object = event_new("stopped");

	json_object_set_new(object, "status", json_integer(status));
	event_send(run, object);
}
