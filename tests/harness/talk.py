# SPDX-License-Identifier: GPL-2.0-or-later
"""Who reaches whom: ask a reporter (tests/system/reporter.py), and try what must not work."""

import dataclasses
import errno
import functools
import json
import select
import socket
import time

OPEN, REFUSED, UNREACHABLE, SILENT = "open", "refused", "unreachable", "silent"
SILENCE = 0.3  # a connection that is not there by then does not come

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EADDRNOTAVAIL)


@dataclasses.dataclass
class Answer:
    """What a reporter says: which copy it is, and whom it sees."""

    copy: int
    peer: str
    port: int
    body: bytes


def ask(node, address, port, *, source=None, path="/", deadline=3.0):
    """Ask the reporter that a node reaches at a port of address; from source, (address, port), if given."""
    __tracebackhide__ = True

    def connect():
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        connection.settimeout(deadline)
        if source:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind(source)
        connection.connect(_resolve(address, port)[1])
        return connection

    with node.inside(connect) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        data = b""
        while piece := connection.recv(1 << 16):
            data += piece
    line, _, body = data.partition(b"\r\n\r\n")[2].partition(b"\n")
    report = json.loads(line)
    return Answer(int(report["copy"].removeprefix("copy-")), report["peer"], report["port"], body)


def outcomes(node, targets, deadline=SILENCE):
    """Connect from a node to all targets, (address, port) each, at once; return what came of each."""
    return outcomes_from([(node, *target) for target in targets], deadline)


def outcomes_from(tries, deadline=SILENCE):
    """Make all tries, (node, address, port) each, at once; return what came of each."""
    end = time.monotonic() + deadline
    begun = [node.inside(functools.partial(_begin, address, port)) for node, address, port in tries]
    return [_outcome(*connection, end) for connection in begun]


def _begin(address, port):
    family, place = _resolve(address, port)
    connection = socket.socket(family)
    connection.setblocking(False)
    return connection, connection.connect_ex(place)


def _outcome(connection, error, end):
    with connection:
        if error == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(connection, select.POLLOUT)
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                return SILENT
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error == 0:
        return OPEN
    if error == errno.ECONNREFUSED:
        return REFUSED
    if error in _UNREACHABLE:
        return UNREACHABLE
    raise OSError(error, errno.errorcode[error])


def _resolve(address, port):
    """Return family and socket address; a link-local address names its link: fe80::1%eth0."""
    family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
    return family, place
