# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies that share a port come and go: who is led to which of them, and when."""

import collections
import contextlib
import functools
import os
import re
import signal
import socket

import pytest
from harness import bridge_netfilter, wait_until
from sharing import (
    AT_ONCE,
    KINDS,
    LAN,
    LAN6,
    PORT,
    SOME,
    blocks,
    call,
    copies_by_source,
    counts,
    drain,
    scale,
    sources,
    start_sharers,
    table,
    wait_led_to,
    wait_next_life,
)

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))  # with it, [::1] leads to no copy

FAILED = 1


# ---- Who is in it ----


def test_one_that_stops_listening_is_left_out_until_it_listens_again(host, sharers, run_shared):
    """Nobody is refused by it; the others get its connections in turn."""
    run_shared(3)
    deaf = sharers.place(2, "deaf", "")
    wait_led_to(host, 1, 3)
    for node, address in ((host, "127.0.0.1"), (host.client, LAN), (host, "::1")):
        answers = call(node, address, SOME)
        assert counts(answers) == {1: SOME // 2, 3: SOME // 2}
    deaf.unlink()
    wait_led_to(host, 1, 2, 3)
    assert counts(call(host.client, LAN, SOME)) == dict.fromkeys((1, 2, 3), SOME // 3)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_one_that_is_killed_is_left_out(host, run_shared, name):
    """By somebody; the other ones serve all that comes."""
    manager = run_shared(3)
    os.kill(manager.copy_process(2), signal.Signals[name])
    wait_led_to(host, 1, 3)
    for node, address in ((host, "127.0.0.1"), (host.client, LAN6)):
        assert counts(call(node, address, SOME)) == {1: SOME // 2, 3: SOME // 2}
    manager.err.wait_for(rf"^portmux: copy 2: ended by {name}$")
    assert manager.running
    assert manager.stop() == 0


def test_one_that_starts_again_is_in_it_again(host, run_shared):
    """Its next life; meanwhile nobody is refused, once it is known that it has ended."""
    manager = run_shared(3, "--restart", "always")
    (life,) = {answer.life for answer in call(host, "127.0.0.1", 3) if answer.copy == 2}
    for _ in range(3):
        os.kill(manager.copy_process(2), signal.SIGKILL)
        groups = wait_next_life(host, life)
        is_served = [all(answer and answer.copy for answer in group) for group in groups]
        assert all(is_served[is_served.index(True) :])
        answers = call(host.client, LAN, 30)
        assert counts(answers) == {1: 10, 2: 10, 3: 10}
        (life,) = {answer.life for answer in answers if answer.copy == 2}


def test_a_connection_goes_on_while_copies_come_and_go(host, sharers, run_shared):
    """What it is led to is settled when it begins."""
    sharers.there("http_recorder.py").write_text(
        "#!/bin/sh\nexec /usr/bin/python3 -c '"
        "import socket, threading\n"
        "def echo(c):\n while d := c.recv(9): c.send(d)\n"
        's = socket.create_server(("", 5000))\n'
        "while True: threading.Thread(target=echo, args=(s.accept()[0],)).start()' http_recorder.py\n"
    )
    manager = run_shared(3)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(host.connect("127.0.0.1", PORT)) for _ in range(3)]
        os.kill(manager.copy_process(2), signal.SIGKILL)
        wait_led_to(host, 1, 3)
        served = 0
        for client in clients:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                client.sendall(b"still")
                served += client.recv(9) == b"still"
    assert served == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.host(sysctls={**bridge_netfilter(0), "net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0})
def test_it_is_refused_while_no_copy_listens(host, sharers, run_shared, kind):
    """From everywhere, before the first one does, and after the last one; then served by the first that does."""
    deaf = [sharers.place(number, "deaf", "") for number in (1, 2)]
    manager = start_sharers(host, sharers, 2, publish=(f"8080:5000/{kind}",))
    ways = [(host, "127.0.0.1"), (host, LAN), (host, "::1"), (host.client, LAN), (host.client, LAN6)]
    wait_until(lambda: f"{kind} . 8080" in table(host), AT_ONCE, "the port is ours")
    for node, address in ways:
        assert call(node, address, 3, kind=kind) == [None] * 3
    for number in (2, 1):
        deaf[number - 1].unlink()
        wait_led_to(host, *range(number, 3), name=f"{kind}-8080")
    manager.wait_ready()
    for node, address in ways:
        assert counts(call(node, address, 10, kind=kind)) == {1: 5, 2: 5}
    deaf = [sharers.place(number, "deaf", "") for number in (1, 2)]
    wait_led_to(host, name=f"{kind}-8080")
    for node, address in ways:
        assert call(node, address, 3, kind=kind) == [None] * 3
    deaf[0].unlink()
    wait_led_to(host, 1, name=f"{kind}-8080")
    assert counts(call(host, "127.0.0.1", 5, kind=kind)) == {1: 5}


def test_the_last_copy_that_ends_ends_the_run(host, run_shared):
    """Until then the port is served."""
    manager = run_shared(3)
    for number in (1, 3):
        os.kill(manager.copy_process(number), signal.SIGKILL)
        manager.err.wait_for(rf"^portmux: copy {number}: ended by SIGKILL$")
    assert counts(call(host, "127.0.0.1", 10)) == {2: 10}
    os.kill(manager.copy_process(2), signal.SIGKILL)
    assert manager.wait(AT_ONCE) == FAILED
    assert call(host, "127.0.0.1") == [None]


@contextlib.contextmanager
def udp_clients(node, address, count=9):
    """Clients that keep their ports; each of them, called, sends a datagram, and returns who has answered."""

    def ask(client):
        with contextlib.suppress(TimeoutError, ConnectionRefusedError):
            client.send(b"who?")
            return int(client.recv(100).split()[0])
        return None

    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(node.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
            client.settimeout(0.3)
            client.connect((address, PORT))
            clients.append(functools.partial(ask, client))
        yield clients


def stop_listening(_host, project, _manager):
    """Copy 3 closes its sockets."""
    project.place(3, "deaf", "")
    return []


def be_killed(_host, _project, manager):
    """Copy 3 gets SIGKILL."""
    os.kill(manager.copy_process(3), signal.SIGKILL)
    return []


def be_taken_away(host, project, manager):
    """Copy 3 drains: it has a connection."""
    return [drain(host, project, manager)]


@pytest.mark.parametrize("go", [stop_listening, be_killed, be_taken_away])
@pytest.mark.parametrize("who, address", [("host", "127.0.0.1"), ("client", LAN)])
def test_udp_clients_of_one_that_goes_move_at_once_and_no_others(host, sharers, run_shared, who, address, go):
    """To one that is there; and nobody moves to one that comes."""
    manager = run_shared(3, publish=("8080:5000", "8080:5000/udp"))
    with udp_clients(host if who == "host" else host.client, address) as clients:
        before = [ask() for ask in clients]
        assert collections.Counter(before) == {1: 3, 2: 3, 3: 3}
        draining = go(host, sharers, manager)
        wait_led_to(host, 1, 2, name="udp-8080")
        for ask, copy in zip(clients, before):
            if copy == 3:
                wait_until(lambda ask=ask: ask() in (1, 2), AT_ONCE, "a copy that is there answers")
            else:
                assert ask() == copy
        after = [ask() for ask in clients]
        for connection, command in draining:
            connection.close()
            assert command.wait(AT_ONCE) == 0
        scale(host, sharers, 5, 10.0)
        assert [ask() for ask in clients] == after


# ---- More and fewer of them ----


def handles(host, without):
    """Return all rules, chains and maps with their handles, but for those of copies, as a pattern, and counters."""
    text = table(host, "-a", "-s")
    heads = re.findall(r"^\t((?:chain|map) \S+) { # handle (\d+)$", text, re.MULTILINE)
    rules = {name: re.findall(r"^\t\t(.*) # handle (\d+)$", body, re.M) for name, body in blocks(text).items()}
    mine = re.compile(rf"(chain )?copy-({without})(-.*)?")
    return [head for head in heads if not mine.fullmatch(head[0])], {
        name: found for name, found in rules.items() if found and not mine.fullmatch(name)
    }


def test_rules_stay_as_they_are_when_copies_come_and_go(host, sharers, run_shared):
    """What packets walk through is neither changed nor made again: elements of the map alone are."""
    manager = run_shared(3, "--restart", "always", publish=("8080:5000", "8081:5001", "8081:5000/udp"))
    before = handles(host, 2)
    assert len(before[1]["shared-tcp-8080"]) == 1 and len(before[1]["copy-1"]) == 2
    deaf = sharers.place(2, "deaf", "")
    wait_led_to(host, 1, 3)
    assert handles(host, 2) == before
    deaf.unlink()
    wait_led_to(host, 1, 2, 3)
    assert handles(host, 2) == before
    (life,) = {answer.life for answer in call(host, "127.0.0.1", 3) if answer.copy == 2}
    os.kill(manager.copy_process(2), signal.SIGKILL)
    wait_next_life(host, life)
    assert handles(host, 2) == before


def test_it_is_shared_by_all_that_there_are(host, sharers, run_shared):
    """More, and fewer, in turn as always; the rules stay as they are."""
    run_shared(3, publish=("8080:5000", "8080:5001/udp"))
    before = handles(host, "[2-9]")
    for copies in (7, 2, 3, 5, 1, 2):
        scale(host, sharers, copies)
        expected = dict.fromkeys(range(1, copies + 1), SOME // copies)
        for node, address, kind in ((host, "127.0.0.1", "tcp"), (host.client, LAN, "tcp"), (host, "::1", "udp")):
            assert counts(call(node, address, SOME, kind=kind)) == expected
        assert handles(host, "[2-9]") == before


def test_by_source_only_clients_of_those_that_go_move(host, sharers, run_shared):
    """And to those that come; nobody moves between the others."""
    run_shared(3, "--balance", "source")
    addresses = sources(host, count=80)
    before = copies_by_source(host, addresses)
    for copies in (5, 2, 4):
        was = len(set(before.values()))
        scale(host, sharers, copies)
        after = copies_by_source(host, addresses)
        moved = {(before[address], after[address]) for address in addresses if before[address] != after[address]}
        assert moved and all(old > copies or new > was for old, new in moved)
        assert set(after.values()) == set(range(1, copies + 1))
        before = after


def test_one_that_drains_goes_on_with_what_it_has(host, sharers, run_shared):
    """It gets nothing new, the rules tell it, and it ends with its last connection."""
    manager = run_shared(3)
    held, command = drain(host, sharers, manager)
    assert counts(call(host.client, LAN, 20)) == {1: 10, 2: 10}
    assert re.search(r'10\.90\.0\.\d+ comment "[a-z_.]+, copy 3"', blocks(table(host))["draining"])
    assert command.running
    held.sendall(b"who?")
    assert held.recv(100).startswith(b"3 ")
    held.close()
    assert command.wait(AT_ONCE) == 0
    assert "elements" not in blocks(table(host))["draining"]


def test_one_that_drains_has_as_long_as_the_caller_says(host, sharers, run_shared):
    """Then its connections end with it."""
    manager = run_shared(3, "--drain", "0.5")
    held, command = drain(host, sharers, manager)
    assert command.wait(AT_ONCE) == 0
    with held, contextlib.suppress(ConnectionResetError):
        assert held.recv(100) == b""


# ---- Ends ----


def test_afterwards_the_port_is_free(host, run_shared):
    """The host is as it was, which its fixture compares."""
    manager = run_shared(3, publish=("8080:5000", "8080:5000/udp"))
    call(host, "127.0.0.1", 10)
    assert manager.stop() == 0
    assert manager.err.lines == []
    host.listen("::", PORT).close()
    assert table(host) == ""


def test_a_manager_that_is_killed_leaves_nothing(host, run_shared):
    """The table is gone at once, and the port refused."""
    manager = run_shared(3, publish=("8080:5000", "127.0.0.1:8081:5000"))
    call(host, "127.0.0.1", 10)
    assert manager.stop(signal.SIGKILL, AT_ONCE) == -signal.SIGKILL
    wait_until(lambda: not manager.own_processes(), AT_ONCE, "the guardian has ended")
    assert table(host) == ""
    assert call(host, "127.0.0.1") == call(host, "127.0.0.1", port=8081) == [None]
