// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * notify.c - datagrams to a Unix socket.
 */
#include "portmux/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/error.h"

static int notify_connect(const char *name)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);

	if (fd < 0)
		return -errno;
	if ((*name != '/' && *name != '@') || length >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, name, length);
	if (*name == '@') /* the abstract namespace */
		address.sun_path[0] = '\0';
	if (connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -errno;
	return fd_steal(&fd);
}

void notify_open(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");

	notify->socket = -1;
	if (!name || !*name)
		return;
	notify->socket = notify_connect(name);
	if (notify->socket < 0)
		error_report(notify->socket, "%s (NOTIFY_SOCKET): cannot be reached", name);
	unsetenv("NOTIFY_SOCKET"); /* the copies are not who is asked */
}

void notify_send(const struct notify *notify, const char *message)
{
	if (notify->socket >= 0)
		send(notify->socket, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void notify_close(struct notify *notify)
{
	fd_close(&notify->socket);
}
