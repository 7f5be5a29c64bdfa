// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pty.c - /dev/pts/ptmx. By its two descriptors alone, no path is needed.
 */
#include "copy/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

int pty_open(const struct identity *identity, int *ret_master, int *ret_slave)
{
	AUTO_CLOSE int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	AUTO_CLOSE int slave = -1;
	int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return error_report(-errno, "cannot open a pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || fchown(slave, identity->uid, identity->gid) < 0)
		return error_report(-errno, "cannot open a pty's other end");
	*ret_master = fd_steal(&master);
	*ret_slave = fd_steal(&slave);
	return 0;
}

int pty_make_raw(int slave)
{
	struct termios mode;

	if (tcgetattr(slave, &mode) < 0)
		return error_report(-errno, "cannot set up a pty");
	cfmakeraw(&mode);
	return tcsetattr(slave, TCSANOW, &mode) < 0 ? error_report(-errno, "cannot set up a pty")
						    : 0;
}
