# SPDX-License-Identifier: GPL-2.0-or-later
"""A plain user's run, whose processes are killed: the rest ends in good order, and nothing is left."""

import os
import re
import signal

import pytest
from harness import PLAIN_USER, wait_until

from .anatomy import COPIES, gate, guardian, inits, pastas, send
from .campaign import failures, sample_wanted
from .kinds import AS_A_PLAIN_USER
from .points import KILL, PLAIN_PROCESSES

pytestmark = pytest.mark.host(own_dev=True)

BOTH_FAMILIES = "#!/bin/sh\nexec python3 -I -m http.server --bind :: 8080\n"
FAILED = 1
UNDOING = 2.0
AT_ONCE = 1.0

OF_PASTA = [process for process in PLAIN_PROCESSES if "pasta" in process]
OWN = [process for process in PLAIN_PROCESSES if process not in OF_PASTA]
WAITS_FOR_IT = 10.0

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


# ---- At any system call ----------------------------------------------------------------------------


@pytest.mark.parametrize("process", OWN)
def test_a_fault(campaign, process):
    """It is killed, or a call of it fails: the run goes on and is right, or it ends, says why and leaves nothing."""
    tried, failed = campaign.run_kind(AS_A_PLAIN_USER, sample_wanted(1), [process])
    assert not failed, failures(failed)
    assert tried


def test_pasta_is_killed(campaign):
    """While it starts, and when it serves: as well."""
    tried, failed = campaign.run_kind(AS_A_PLAIN_USER, sample_wanted(1), OF_PASTA, [KILL])
    assert not failed, failures(failed)
    assert tried


# ---- A gate that stands still ----------------------------------------------------------------------

LATER = """#!/bin/sh
until [ -e go ]; do sleep 0.01; done
exec python3 -I -m http.server --bind :: 8080
"""


@pytest.fixture
def stopped_gate(host, home):
    """A run that starts, whose copies are about to listen, and whose gate has been stopped."""
    home.there("http_recorder.py").write_text("#!/bin/sh\necho waits\n" + LATER)
    manager = host.start_manager(home, user=PLAIN_USER)
    for number in COPIES:
        manager.out.wait_for(rf"^copy {number} \| waits$")
    send(gate(manager), signal.SIGSTOP)
    return manager


def test_a_gate_that_is_stopped_is_not_waited_for(host, home, stopped_gate):
    """The copies listen, but IPv6 does not come: it says so, and serves over IPv4; IPv6 comes as soon as it can."""
    for number in COPIES:
        home.place(number, "go", "")
    stopped_gate.wait_ready(WAITS_FOR_IT)
    stopped_gate.err.wait_for(r"^uva_container: pasta\b.*\bIPv6\b")
    for number in COPIES:
        assert host.get(f"http://127.0.0.1:{8080 + number}/").status == 200
    send(gate(stopped_gate), signal.SIGCONT)
    for number in COPIES:
        wait_until(lambda: not host.refuses("::1", 8080 + number), UNDOING, "IPv6 is there")
    assert stopped_gate.stop() == 0
    assert len(stopped_gate.complaints()) == 1
    assert_all_is_gone(host, home, stopped_gate)


def test_a_gate_that_is_stopped_does_not_delay_the_end(host, home, stopped_gate):
    """Asked to end, the run ends at once."""
    assert stopped_gate.stop(deadline=AT_ONCE) == 0
    assert_all_is_gone(host, home, stopped_gate)
