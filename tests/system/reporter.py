#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for http_recorder.py where a test asks who reaches whom.

Listens on port 8080 over IPv4 and IPv6, and answers every request with a line of JSON: the host name
of its copy, and address and port of its peer. A path /bytes/COUNT adds that many bytes to it.
"""

import json
import socket
import threading


def request_path(connection):
    """Return the path that is asked for; "" if the peer leaves instead."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            return ""
        data += piece
    return data.split()[1].decode()


def answer(connection, peer):
    """Answer one request."""
    with connection:
        path = request_path(connection)
        if path:
            head = {"copy": socket.gethostname(), "peer": peer[0].removeprefix("::ffff:"), "port": peer[1]}
            padding = int(path.split("/")[2]) if path.startswith("/bytes/") else 0
            text = f"HTTP/1.0 200 OK\r\n\r\n{json.dumps(head)}\n{'x' * padding}"
            connection.sendall(text.encode())


def listen():
    """Return a listening socket for both families, or for IPv4 where there is no other."""
    try:
        return socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
    except OSError:
        return socket.create_server(("", 8080), backlog=128)


def main():
    """Serve until a signal comes."""
    with listen() as server:
        while True:
            threading.Thread(target=answer, args=server.accept(), daemon=True).start()


if __name__ == "__main__":
    main()
