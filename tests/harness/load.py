# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that never let up, and the server that they ask: load.c and one_thread.c."""

import json
import os
import re
import signal
from pathlib import Path

from .compiler import compile_c

FOR_EVER = 86400  # seconds
COPY = re.compile(rb"(?:^|\0)COPY=(\d+)\0")
AWAITED = 10.0  # a request that is under way at the end fails after 5 s


def build_load(directory):
    """Build load.c in directory; return the program."""
    return compile_c(Path(__file__).with_name("load.c"), directory)


def build_one_thread(directory):
    """Build one_thread.c in directory; return the program."""
    return compile_c(Path(__file__).with_name("one_thread.c"), directory)


class Load:
    """Requests from a node, one after the other on each of some connections."""

    def __init__(self, node, program, mode, port, addresses, *, connections=4, seconds=FOR_EVER):
        """Begin, with load.c's program. mode: "kept" for connections that are kept, "new" for one per request."""
        self.mode = mode
        self.addresses = addresses
        self.connections = connections
        self.process = node.popen([program, mode, connections, seconds, port, *addresses])

    def wait(self, deadline):
        """Wait until its time is over; return what it has counted, as load.c prints it."""
        assert self.process.wait(deadline) == 0, self.process.transcript()
        return json.loads(self.process.out.lines[0])

    def finish(self):
        """Begin no request any more, wait for those under way, and return what it has counted."""
        self.process.send(signal.SIGTERM)
        return self.wait(AWAITED)

    def __str__(self):
        return f"{self.mode} connections to {', '.join(self.addresses)}"


def copies_of(project):
    """Return the pids of a project's program in its copies, by the copy's number; pids as the test run sees them."""
    program = project.there("http_recorder.py").stat()
    found = {}
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.path.samestat((process / "exe").stat(), program):
                copy = COPY.search((process / "environ").read_bytes())
                if copy:  # while it is executed it has no environment
                    found[int(copy[1])] = int(process.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has just ended
            continue
    return found
