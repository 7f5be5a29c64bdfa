# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that knock while it starts: refused until their copy listens, then served, and never left to wait."""

import socket
import threading
import time

import pytest

from .campaign import points_wanted

PORT = 8081
AT_ONCE = 0.5  # a SYN that is lost is sent again after a second
DEADLINE = 10.0
FEW, MANY = 15, 100


class Knocking:
    """A node's attempts to connect, one after the other, until one is served."""

    def __init__(self, node, address):
        """Begin."""
        self.slow = []
        self.served = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: node.inside(lambda: self._knock(address)), daemon=True)
        self._thread.start()

    def _knock(self, address):
        while not (self.served or self._stop.is_set()):
            begin = time.monotonic()
            try:
                socket.create_connection((address, PORT), DEADLINE).close()
                self.served = True
            except ConnectionRefusedError:
                pass
            taken = time.monotonic() - begin
            if taken > AT_ONCE:
                self.slow.append(taken)

    def finish(self):
        """Wait until it is served."""
        self._thread.join(DEADLINE)
        self._stop.set()
        assert self.served, "no attempt was served"
        assert not self.slow, f"attempts that took so many seconds: {self.slow}"


@pytest.mark.parametrize("place", ["localhost", "LAN"])
def test_no_attempt_waits(host, project, place):
    """From before the start on: every attempt is refused or served at once."""
    node, address = {"localhost": (host, "127.0.0.1"), "LAN": (host.client, "198.51.100.1")}[place]
    for _ in range(MANY if points_wanted() is None else FEW):
        knocking = Knocking(node, address)
        manager = host.start_manager(project).wait_ready()
        knocking.finish()
        assert manager.stop() == 0
        assert manager.err.lines == []
        manager.close()
        host.managers.clear()
