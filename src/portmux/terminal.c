// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * terminal.c - termios(3) of the standard input.
 */
#include "portmux/terminal.h"

#include <unistd.h>

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

struct winsize terminal_size(void)
{
	struct winsize size = {0};

	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	return size;
}

void terminal_make_raw(struct terminal *terminal)
{
	struct termios raw;

	if (!terminal->is_raw && tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return;
	raw = terminal->before;
	cfmakeraw(&raw);
	terminal->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
	terminal->is_raw = false;
}
