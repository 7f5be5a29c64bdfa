# SPDX-License-Identifier: GPL-2.0-or-later
"""A plain user's run, whose processes are killed: the rest ends in good order, and nothing is left."""

import os
import re
import signal

import pytest
from harness import PLAIN_USER, wait_until

from .anatomy import COPIES, gate, guardian, inits, pastas, send

pytestmark = pytest.mark.host(own_dev=True)

BOTH_FAMILIES = "#!/bin/sh\nexec python3 -I -m http.server --bind :: 8080\n"
FAILED = 1
UNDOING = 2.0

# What comes up in the course of a start, each a function of host and manager.
RISING = {
    "guardian": lambda _, manager: guardian(manager),
    "gate": lambda _, manager: gate(manager),
    "pasta": lambda host, _: pastas(host),
}


@pytest.fixture
def home(host):
    """The user's home directory; a project whose program listens on IPv4 and IPv6, so that there are two pastas."""
    made = host.home(PLAIN_USER)
    made.there("http_recorder.py").write_text(BOTH_FAMILIES)
    return made


@pytest.fixture
def manager(host, home):
    """A run of the user."""
    return serving(host, host.start_manager(home, user=PLAIN_USER))


def serving(host, manager):
    """Wait until a run is ready, and ask both copies; return the run."""
    manager.wait_ready()
    for number in COPIES:
        for address in ("127.0.0.1", "[::1]"):
            assert host.get(f"http://{address}:{8080 + number}/").status == 200
    assert len(pastas(host)) == 2
    return manager


def assert_all_is_gone(host, home, manager):
    """No process, no port, no file but the project's own. (Mounts and links: see Host.finish().)"""
    wait_until(lambda: not host.process_directories(), UNDOING, "no process of the run is left")
    assert not manager.own_processes() and not pastas(host)
    for number in COPIES:
        assert host.refuses("127.0.0.1", 8080 + number)
        host.listen("::", 8080 + number).close()
    assert set(os.listdir(home.there(""))) <= {"copies", "http_recorder.py", "uva_container"}


def test_the_manager(host, home, manager):
    """The others undo all; the next run is as any other."""
    send(manager.pid, signal.SIGKILL)
    assert manager.wait() == -signal.SIGKILL
    assert_all_is_gone(host, home, manager)
    after = serving(host, host.start_manager(home, user=PLAIN_USER))
    assert after.stop() == 0
    assert after.complaints() == []


@pytest.mark.parametrize("what", RISING)
def test_the_manager_while_it_starts(host, home, what):
    """As soon as that process of the run is there."""
    manager = host.start_manager(home, user=PLAIN_USER)
    wait_until(lambda: RISING[what](host, manager), UNDOING, f"{what} is there", interval=0.001)
    send(manager.pid, signal.SIGKILL)
    assert manager.wait() == -signal.SIGKILL
    assert_all_is_gone(host, home, manager)


@pytest.mark.parametrize("index", [0, -1], ids=["of IPv4", "of IPv6"])
def test_a_pasta(host, home, manager, index):
    """A port that leads nowhere is no run: it ends in good order, and one line names pasta."""
    send(pastas(host)[index], signal.SIGKILL)
    assert manager.wait() == FAILED
    (line,) = manager.complaints()
    assert re.search(r"^uva_container: .*\bpasta\b.*SIGKILL", line)
    assert_all_is_gone(host, home, manager)


@pytest.mark.parametrize("victim", [gate, guardian])
def test_a_helper(host, home, manager, victim):
    """The manager says so, and ends in good order."""
    assert send(victim(manager), signal.SIGKILL)
    assert manager.wait() == FAILED
    assert manager.complaints()
    assert_all_is_gone(host, home, manager)


def test_both_copies(host, home, manager):
    """As with root."""
    for pid in inits(manager):
        send(pid, signal.SIGKILL)
    assert manager.wait() == FAILED
    assert_all_is_gone(host, home, manager)


@pytest.mark.parametrize("order", [1, -1], ids=["from above", "from below"])
def test_all_at_once(host, home, manager, order):
    """Nobody can do anything about it; the kernel does."""
    pids = [manager.pid, guardian(manager), gate(manager), *pastas(host), *inits(manager)]
    assert len(set(pids)) >= 6 and None not in pids
    for pid in pids:
        send(pid, signal.SIGSTOP)
    for pid in pids[::order]:
        send(pid, signal.SIGKILL)
    assert manager.wait() == -signal.SIGKILL
    assert_all_is_gone(host, home, manager)


def test_manager_and_guardian(host, home, manager):
    """Pasta and its gate do not outlive them: the ports are free."""
    watcher = guardian(manager)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in (watcher, manager.pid):
            send(pid, number)
    assert manager.wait() == -signal.SIGKILL
    assert_all_is_gone(host, home, manager)
