#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for http_recorder.py where a test keeps connections while copies come and go.

On port 8080 of TCP each connection gets a line, and then each of its own lines back. On port 8080 of UDP each
datagram is answered with that line. It is: the number of the copy, what tells this life of the copy from another,
the first argument (or "-"). Before it listens it prints "listens"; at SIGTERM "SIGTERM" and how many connections
it has, and ends. The first argument can be a behaviour:
    exit        end with status 3 at once              never       do not listen
    late        listen when there is a file "door"     deaf        ignore SIGTERM
"""

import ctypes
import os
import selectors
import signal
import socket
import sys

IN_CREATE = 0x100  # <sys/inotify.h>
BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else "-"
GREETING = f"{os.environ['COPY']} {os.urandom(4).hex()} {BEHAVIOUR}\n".encode()


def say(text):
    """Print a line at once."""
    os.write(1, f"{text}\n".encode())


def bound(kind):
    """Return a socket of a kind, bound, for both families."""
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", 8080))
    return server


class Keeper:
    """The server, and its connections."""

    def __init__(self):
        """Listen."""
        self.connections = 0
        self.selector = selectors.DefaultSelector()
        signal.signal(signal.SIGTERM, self.on_sigterm)
        tcp, udp = bound(socket.SOCK_STREAM), bound(socket.SOCK_DGRAM)
        say("listens")
        tcp.listen(4096)
        self.selector.register(tcp, selectors.EVENT_READ, self.accept)
        self.selector.register(udp, selectors.EVENT_READ, self.answer)

    def on_sigterm(self, *_):
        """End, or do not."""
        say(f"SIGTERM {self.connections}")
        if BEHAVIOUR != "deaf":
            os._exit(0)

    def accept(self, server):
        """Greet."""
        connection, _ = server.accept()
        self.connections += 1
        self.selector.register(connection, selectors.EVENT_READ, self.echo)
        connection.send(GREETING)

    def echo(self, connection):
        """Return what came."""
        try:
            data = connection.recv(4096)
            connection.sendall(data)
        except OSError:
            data = b""
        if not data:
            self.connections -= 1
            self.selector.unregister(connection)
            connection.close()

    def answer(self, server):
        """Answer a datagram."""
        try:
            server.sendto(GREETING, server.recvfrom(4096)[1])
        except OSError:
            pass

    def serve(self):
        """For ever."""
        while True:
            for key, _ in self.selector.select():
                key.data(key.fileobj)


def wait_for(name):
    """Wait until that file is in this directory (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init()
    if watch < 0 or libc.inotify_add_watch(watch, b".", IN_CREATE) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    while not os.path.exists(name):
        os.read(watch, 4096)
    os.close(watch)


def main():
    """Behave as told."""
    if BEHAVIOUR == "exit":
        sys.exit(3)
    while BEHAVIOUR == "never":
        signal.pause()
    if BEHAVIOUR == "late":
        wait_for("door")
    Keeper().serve()


if __name__ == "__main__":
    main()
