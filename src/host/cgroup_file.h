/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_file.h - the files of a control group.
 */
#pragma once

#include <stdint.h>

/** Room for what is read of a file. */
enum { CGROUP_FILE_MAX = 4096 };

/** cgroup_file_read() - read the beginning of a file. Return: 0 or -errno. */
int cgroup_file_read(int directory, const char *name, char text[CGROUP_FILE_MAX]);

/** cgroup_file_write() - write to a file that exists. Return: 0 or -errno. */
int cgroup_file_write(int directory, const char *name, const char *text);

/** cgroup_file_write_number() - the same with a number. Return: 0 or -errno. */
int cgroup_file_write_number(int directory, const char *name, uint64_t number);
