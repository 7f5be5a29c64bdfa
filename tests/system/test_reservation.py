# SPDX-License-Identifier: GPL-2.0-or-later
"""The host ports are held: nobody else gets them while the copies have them, and all see who does."""

import errno
import socket

import pytest

TAKERS = {
    "plainly": (),
    "with SO_REUSEADDR": ((socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),),
    "with SO_REUSEPORT": ((socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),),
    "with both": ((socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)),
}


def take(host, address, options):
    """Bind and listen at port 8081 of an address, as another program would; return the error's number or 0."""

    def body():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as taker:
            for option in options:
                taker.setsockopt(*option)
            try:
                taker.bind((address, 8081))
                taker.listen()
            except OSError as error:
                return error.errno
        return 0

    return host.inside(body)


@pytest.mark.parametrize("how", TAKERS)
def test_nobody_else_gets_the_port(host, manager, how):
    """On no address and in no way; when the run is over, everybody does."""
    addresses = ("0.0.0.0", "127.0.0.1", "198.51.100.1", "::", "::1")
    for address in addresses:
        assert take(host, address, TAKERS[how]) == errno.EADDRINUSE
    assert host.get("http://127.0.0.1:8081/").status == 200
    assert manager.stop() == 0
    for address in addresses:
        assert take(host, address, TAKERS[how]) == 0


def test_ss_names_the_holder(host, manager):
    """ss -ltnp shows the manager on both ports, IPv4 and IPv6."""
    lines = host.run(["ss", "-Hltnp", "( sport = 8081 or sport = 8082 )"]).stdout.splitlines()
    assert len(lines) == 4
    assert all('"uva_container"' in line for line in lines)
    assert manager.running


def test_what_holds_the_port_accepts_nothing(host, manager):
    """After connections that nobody answers for, no backlog is filled: the queues stay empty."""
    for _ in range(20):
        assert host.refuses("::1", 8081)
    lines = host.run(["ss", "-Hltn", "( sport = 8081 )"]).stdout.splitlines()
    assert all(line.split()[1] == "0" for line in lines)
    assert manager.running


def test_time_wait_is_no_obstacle(host, project):
    """A server of the host was there before, and its connections are in TIME_WAIT."""
    with host.listen("0.0.0.0", 8081) as server, host.connect("127.0.0.1", 8081) as client:
        server.accept()[0].close()  # who closes first is left with TIME_WAIT
        client.recv(1)
    assert "8081" in host.run(["ss", "-Htn", "state", "time-wait"]).stdout
    manager = host.start_manager(project).wait_ready()
    assert host.get("http://127.0.0.1:8081/").status == 200
    assert manager.stop() == 0
