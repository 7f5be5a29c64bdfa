#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for http_recorder.py where copies share ports.

Answers each connection and each datagram to port 5000 or 5001 with the copy's number, that port, and what
tells the copy's lives apart. While there is a file "deaf" in its directory, it listens on neither.
"""

import contextlib
import os
import select
import socket

ME = f"{socket.gethostname().rpartition('-')[2]} %d {os.urandom(4).hex()}"


def bound(kind, port):
    """Return a server for both families."""
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        server.listen(4096)
    server.setblocking(False)
    return server


def answer(server):
    """Answer one client. It has to speak first: then nothing is left unread, for which it would be reset."""
    text = (ME % server.getsockname()[1]).encode()
    if server.type == socket.SOCK_DGRAM:
        server.sendto(text, server.recvfrom(100)[1])
    else:
        with server.accept()[0] as connection:
            connection.recv(100)
            connection.send(text)


def main():
    """Serve until a signal comes."""
    servers = []
    while True:
        if os.path.exists("deaf"):
            while servers:
                servers.pop().close()
        elif not servers:
            servers = [bound(kind, port) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM) for port in (5000, 5001)]
        for server in select.select(servers, [], [], 0.01)[0]:
            with contextlib.suppress(OSError):
                answer(server)


if __name__ == "__main__":
    main()
