/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * title.h - what ps(1) shows of a process: the memory where the kernel has put its arguments.
 */
#pragma once

/** title_take() - note where the arguments are. At the beginning of main(), if at all. */
void title_take(int argc, char **argv);

/**
 * title_set() - overwrite the arguments of this process
 *
 * In a child that does not need them any more. What does not fit is cut. Without title_take(), this
 * does nothing.
 */
void title_set(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
