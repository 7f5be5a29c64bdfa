# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may use the control socket of a run, and clients that do not behave: they disturb nobody."""

import contextlib
import json
import os
import select
import shutil
import socket
import threading
import time

import pytest
from harness import OPEN, PLAIN_USER, PORTMUX, SANITIZED, USER, Host, command, control_socket, outcomes, wait_until

AT_ONCE = 2.0
DEADLINE = 5.0  # for a request
MOST = 128  # clients at a time
MEMORY = 4 << 20
OTHER_USER = 1001
PS = b'{"command":"ps"}\n'
NOT_ALLOWED = "not allowed: this run belongs to somebody else"


@pytest.fixture
def start(host, stand_in):
    """Start two copies of the stand-in, named web."""

    def run(*options, **more):
        places = ("--files", "private", "-d", "copies", "--name", "web", "-n", "2")
        return host.start_portmux(stand_in, *places, *options, "-p", "8081+:8080", "--", "./http_recorder.py", **more)

    return run


@pytest.fixture
def manager(host, start):
    """A run that must serve, answer and end as if nothing had happened, without having worked for it."""
    manager = start().wait_ready()
    descriptors = count_descriptors(manager)
    yield manager
    assert ask(host) == [1, 2]
    assert outcomes(host, [("127.0.0.1", port) for port in (8081, 8082)]) == [OPEN, OPEN]
    assert manager.err.lines == []
    wait_until(lambda: count_descriptors(manager) == descriptors, AT_ONCE, "no client's descriptor is left")
    assert_idle(manager)
    assert manager.stop() == 0


def count_descriptors(manager):
    """Return how many descriptors a manager has open."""
    return len(os.listdir(f"/proc/{manager.pid}/fd"))


def assert_idle(manager):
    """Fail if the manager uses the processor while nothing happens."""
    before = manager.processor_time()
    threading.Event().wait(0.5)
    assert manager.processor_time() - before <= 0.05


def answers(connection):
    """Return the objects that come on a connection until it is closed."""
    with connection, connection.makefile("rb") as lines:
        return [json.loads(line) for line in lines]


def ask(host, request=PS):
    """Return the copies that a run tells of."""
    connection = control_socket(host, "web", AT_ONCE)
    connection.sendall(request)
    *copies, last = answers(connection)
    assert last == {"ok": True}
    return [copy["copy"] for copy in copies]


# ---- Who may ----


def test_other_users_are_refused(host, stand_in, manager):
    """Whoever they are, and whatever they ask for."""
    for user in (PLAIN_USER, USER):
        for arguments in (("ps", "web"), ("logs", "web"), ("kill", "web", "1"), ("stop", "web")):
            done = command(host, stand_in, *arguments, user=user, check=False)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == f"portmux: run web: {NOT_ALLOWED}\n"
    assert manager.running


@pytest.mark.parametrize("options, allowed", [({"sudo": PLAIN_USER}, True), ({"sudo": OTHER_USER}, False)])
def test_who_called_sudo_may_ask(host, home, stand_in, start, options, allowed):
    """As root may, and nobody else."""
    del home
    run = start(**options).wait_ready()
    done = command(host, stand_in, "ps", "--json", "web", user=PLAIN_USER, check=False)
    assert (done.returncode == 0) == allowed
    assert [json.loads(line)["copy"] for line in done.stdout.splitlines()] == ([1, 2] if allowed else [])
    assert ask(host) == [1, 2]
    done = command(host, stand_in, "stop", "web", user=PLAIN_USER, check=False)
    assert (done.returncode == 0) == allowed
    assert (run.wait() if allowed else run.stop()) == 0


def test_ps_shows_the_runs_that_one_may_ask(host, stand_in, manager):
    """Of the others it says that they are there."""
    done = command(host, stand_in, "ps", "--json", user=PLAIN_USER)
    assert (done.stdout, done.stderr) == ("", f"portmux: run web: {NOT_ALLOWED}\n")
    assert manager.running


def test_the_run_of_a_plain_user_is_his_own():
    """Without root: neither another user nor root may ask it, whose ids do not exist in its user namespace."""
    with Host(own_dev=True) as host:
        home = host.home(PLAIN_USER)
        arguments = ("--files", "private", "-d", "copies", "--name", "web", "--", "sh", "-c", "exec sleep 3600")
        run = host.start_portmux(home, *arguments, user=PLAIN_USER).wait_ready()
        shutil.copy(PORTMUX, host.root("/run/portmux"))
        for become in (["setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups"], []):
            done = host.run([*become, "/run/portmux", "stop", "web"], check=False)
            assert done.stderr == "portmux: run web: belongs to the user with the id 1000, who alone may ask it\n"
        assert answers(control_socket(host, "web")) == [{"error": NOT_ALLOWED}]
        done = command(host, home, "ps", "--json", user=PLAIN_USER)
        assert [json.loads(line)["copy"] for line in done.stdout.splitlines()] == [1]
        command(host, home, "stop", "web", user=PLAIN_USER)
        assert run.wait() == 0
        host.root("/run/portmux").unlink()
        host.finish()


# ---- Requests that are none ----


@pytest.mark.parametrize(
    "request_line, error",
    [
        (b"\n", "this is no JSON object"),
        (b"ps\n", "this is no JSON object"),
        (b"[]\n", "this is no JSON object"),
        (b'{"command":"ps"\n', "this is no JSON object"),
        (b'{"command":"ps"}}\n', "this is no JSON object"),
        (b'{"command":"ps","command":"stop"}\n', "this is no JSON object"),
        (b"\x00\xff\xfe" * 100 + b"\n", "this is no JSON object"),
        (b"[" * 60000 + b"\n", "this is no JSON object"),
        (b"{}\n", "this object has no command"),
        (b'{"command":null}\n', "this object has no command"),
        (b'{"command":"steal"}\n', "steal: there is no such command"),
        (b'{"command":"ps","copy":"1"}\n', "copy: is no number, or one that is too large"),
        (b'{"command":"ps","copy":-1}\n', "copy: is no number, or one that is too large"),
        (b'{"command":"ps","copy":99999999999999}\n', "copy: is no number, or one that is too large"),
        (b'{"command":"ps","copy":0}\n', "there is no copy 0"),
        (b'{"command":"kill","copy":3}\n', "there is no copy 3"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_a_malformed_request_is_told(shared, request_line, error):
    """In one line, and then the connection is closed."""
    connection = control_socket(shared, "web")
    connection.sendall(request_line)
    assert answers(connection) == [{"error": error}]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A host with a run that all tests of a kind ask."""
    with Host() as host:
        project = host.project(tmp_path_factory.mktemp("shared"))
        script = "echo started; exec sleep 3600"
        run = host.start_portmux(
            project, "--files", "private", "-d", "copies", "--name", "web", "-n", "2", "--", "sh", "-c", script
        ).wait_ready()
        yield host
        assert ask(host) == [1, 2] and run.err.lines == []
        host.finish()


def test_a_request_may_come_in_pieces_and_with_more_behind_it(shared):
    """And its sender may have closed its end by then."""
    connection = control_socket(shared, "web")
    for byte in PS[:-1]:
        connection.sendall(bytes([byte]))
    connection.sendall(PS[-1:] + b"what comes then does not matter")
    assert [answer.get("copy") for answer in answers(connection)] == [1, 2, None]
    connection = control_socket(shared, "web")
    connection.sendall(PS)
    connection.shutdown(socket.SHUT_WR)
    assert [answer.get("copy") for answer in answers(connection)] == [1, 2, None]


def test_a_request_as_long_as_it_may_be(shared):
    """65,536 bytes with its newline."""
    padding = (1 << 16) - len(PS)
    assert ask(shared, PS[:-1] + b" " * padding + b"\n") == [1, 2]
    connection = control_socket(shared, "web")
    connection.sendall(PS[:-1] + b" " * (padding + 1))
    assert answers(connection) == [{"error": "a request has at most 65536 bytes"}]


# ---- Clients that do not behave ----


def test_a_request_that_does_not_end(host, manager):
    """10 MB without a newline: not more than a line is kept of it."""
    connection = control_socket(host, "web")
    before = manager.memory()
    with contextlib.suppress(ConnectionError):
        for _ in range(10):
            connection.sendall(b"x" * 1000000)
    assert SANITIZED or manager.memory() - before < MEMORY  # the sanitizer keeps what was freed
    assert json.loads(connection.recv(4096)) == {"error": "a request has at most 65536 bytes"}
    connection.close()


@pytest.mark.parametrize("sent", [b"", b'{"command":', PS[:-1]], ids=["nothing", "half", "no newline"])
def test_a_client_that_is_silent(host, manager, sent):
    """It is told so after a while, however slowly it speaks; one that goes is forgotten at once."""
    connection, gone = (control_socket(host, "web") for _ in range(2))
    begin = time.monotonic()
    for one in (connection, gone):
        one.sendall(sent)
    gone.close()
    assert ask(host) == [1, 2]
    while not select.select([connection], [], [], 0.5)[0]:
        connection.sendall(b" ")
    assert json.loads(connection.recv(4096)) == {"error": "no request came in 5 s"}
    assert DEADLINE - 0.1 < time.monotonic() - begin < DEADLINE + AT_ONCE
    connection.close()
    assert manager.running


def test_hundreds_ask_at_once(host, manager):
    """All of them are answered."""
    connections = []
    for _ in range(300):
        connections.append(control_socket(host, "web"))
        connections[-1].sendall(PS)
    for connection in connections:
        assert [answer.get("copy") for answer in answers(connection)] == [1, 2, None]
    assert manager.running


def test_as_many_as_there_may_be_are_left_alone(host, manager):
    """Nobody has to go before one more comes."""
    silent = [control_socket(host, "web") for _ in range(MOST - 1)]
    assert not select.select(silent, [], [], 0.2)[0]  # longer than each of them has in any case
    silent.append(control_socket(host, "web"))
    assert not select.select(silent, [], [], 0.2)[0]
    assert ask(host) == [1, 2]
    assert select.select(silent, [], [], 0)[0] == silent[:1]
    for connection in silent:
        connection.close()
    assert manager.running


def test_hundreds_are_silent(host, manager):
    """The oldest have to go for those who come, and who asks is answered."""
    silent = [control_socket(host, "web") for _ in range(300)]
    for _ in range(10):
        assert ask(host) == [1, 2]
    assert_idle(manager)
    gone = select.select(silent, [], [], 0)[0]
    assert len(silent) - MOST <= len(gone) < len(silent)
    assert set(gone) == set(silent[: len(gone)])
    for connection in silent:
        connection.close()


def test_hundreds_read_nothing(host, manager):
    """They have asked for what never ends; memory is bounded, the copies go on, and who asks is answered."""
    before = manager.memory()
    stuck = [control_socket(host, "web") for _ in range(MOST)]
    for connection in stuck:
        connection.sendall(b'{"command":"logs","follow":true}\n')
    for connection in stuck:
        assert connection.recv(1)
    threading.Event().wait(0.2)  # for longer than a client has in any case
    assert answers(control_socket(host, "web")) == [{"error": "this run has too many clients"}]
    host.get("http://127.0.0.1:8081/lines/10000")

    manager.out.wait_for(" 9999 .* end$", 20.0)
    for _ in range(10):
        assert ask(host) == [1, 2]
    lines = len(manager.out.lines)
    host.get("http://127.0.0.1:8081/lines/10000")
    manager.out.wait_for(" 9999 .* end$", DEADLINE, lines)
    assert SANITIZED or manager.memory() - before < MOST * (64 << 10) + MEMORY
    for connection in stuck:
        connection.close()
