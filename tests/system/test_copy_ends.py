# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy that ends by itself: it is said, its port is refused, the other copy goes on."""

import contextlib
import os
import signal
import time

import pytest
from harness import wait_until

AT_ONCE = 2.0


def assert_only_copy_2_is_served(host):
    """Copy 1's port is refused at once, on every address; copy 2 answers."""
    wait_until(lambda: host.refuses("127.0.0.1", 8081), AT_ONCE, "port 8081 is refused")
    assert host.refuses("198.51.100.1", 8081)
    assert host.get("http://127.0.0.1:8082/on").status in (200, 404)
    assert host.refuses("127.0.0.1", 8081)


def test_an_exit_status_is_told(host, stand_in):
    """Copy 1 ends with status 3."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get("http://127.0.0.1:8081/exit/3")
    manager.err.wait_for(r"^uva_container: copy 1: .*\b3\b", AT_ONCE)
    assert_only_copy_2_is_served(host)
    assert len(manager.err.lines) == 1
    assert manager.stop() == 0


def test_an_exit_status_of_0_is_told_too(host, stand_in):
    """A server that ends is news, however it ends."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get("http://127.0.0.1:8081/exit/0")
    manager.err.wait_for(r"^uva_container: copy 1: .*\b0\b", AT_ONCE)
    assert_only_copy_2_is_served(host)
    assert manager.stop() == 0


def test_the_manager_is_idle_afterwards(host, stand_in):
    """What has ended does not keep it busy: half a second goes by with requests to the other copy."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get("http://127.0.0.1:8081/exit/3")
    manager.err.wait_for(r"^uva_container: copy 1: ", AT_ONCE)
    began, used = time.monotonic(), manager.processor_time()
    while time.monotonic() - began < 0.5:
        host.get("http://127.0.0.1:8082/on")
    assert manager.processor_time() - used < 0.25
    assert manager.stop() == 0


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGTERM"])
def test_a_signal_is_told_by_its_name(host, stand_in, name):
    """Copy 1 ends by a signal of its own."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get(f"http://127.0.0.1:8081/signal/{name}")
    manager.err.wait_for(rf"^uva_container: copy 1: .*{name}", AT_ONCE)
    assert_only_copy_2_is_served(host)
    assert manager.stop() == 0


def test_the_real_program_killed_by_somebody(host, manager):
    """kill -9 from the host."""
    os.kill(manager.copy_process(1), signal.SIGKILL)
    manager.err.wait_for(r"^uva_container: copy 1: .*SIGKILL", AT_ONCE)
    assert_only_copy_2_is_served(host)
    manager.out.wait_for(r"^copy 2 \| GET request for /on$", AT_ONCE)


def test_what_it_printed_last_is_shown(host, stand_in):
    """Lines that it wrote just before its end are not lost: a traceback is why one looks."""
    stand_in.there("http_recorder.py").write_text(
        "#!/bin/sh\nfor line in $(seq 1000); do echo last $line; done; printf unfinished; exit 4\n"
    )
    manager = host.start_manager(stand_in)
    assert manager.wait() == 1
    for number in (1, 2):
        assert manager.said(number) == [f"last {line}" for line in range(1, 1001)] + ["unfinished"]


def test_when_none_is_left_it_stops_with_1(host, stand_in):
    """Both end, one after the other."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get("http://127.0.0.1:8081/exit/0")
    manager.err.wait_for(r"^uva_container: copy 1: ", AT_ONCE)
    host.get("http://127.0.0.1:8082/exit/0")
    assert manager.wait(AT_ONCE) == 1
    manager.err.wait_for(r"^uva_container: copy 2: ", AT_ONCE)


def test_a_program_that_cannot_be_started_is_named(host, project):
    """Its interpreter does not exist: said once for each copy or for both, exit code 1."""
    project.there("http_recorder.py").write_text("#!/nonexistent/interpreter\n")
    manager = host.start_manager(project)
    assert manager.wait() == 1
    manager.err.wait_for(r"^uva_container: .*http_recorder\.py.*No such file")


def test_processes_of_a_copy_that_ended_do_not_stay(host, stand_in):
    """What it had started ends at once with it, not only when the run ends."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get("http://127.0.0.1:8081/child")
    manager.out.wait_for(r"^copy 1 \| child started$")
    host.get("http://127.0.0.1:8081/exit/3")
    manager.err.wait_for(r"^uva_container: copy 1: ", AT_ONCE)

    def child_is_gone():
        commands = [(path / "cmdline").read_bytes() for path in host.process_directories()]
        return not any(b"sleep" in command for command in commands)

    wait_until(child_is_gone, AT_ONCE, "the child of copy 1 has ended")


def test_its_connections_are_forgotten_and_those_of_others_are_not(host, stand_in):
    """Of copy 1 no conntrack entry is left, and its client is told; a connection to copy 2 goes on."""
    manager = host.start_manager(stand_in).wait_ready()
    held = {number: host.connect("127.0.0.1", 8080 + number, AT_ONCE) for number in (1, 2)}

    def tracked(number):
        return f"10.90.0.{2 + number} " in host.run(["conntrack", "-L"]).stdout

    assert tracked(1) and tracked(2)
    host.get("http://127.0.0.1:8081/exit/3")
    manager.err.wait_for(r"^uva_container: copy 1: ", AT_ONCE)
    wait_until(lambda: not tracked(1), AT_ONCE, "the connections of copy 1 are forgotten")
    with contextlib.suppress(ConnectionResetError):
        assert held[1].recv(1) == b""
    assert tracked(2)
    held[2].sendall(b"GET /on HTTP/1.0\r\n\r\n")
    assert held[2].recv(1 << 12)
    for connection in held.values():
        connection.close()
    assert manager.stop() == 0
