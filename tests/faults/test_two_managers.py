# SPDX-License-Identifier: GPL-2.0-or-later
"""Managers side by side on one host: each has what is its own, and its end is nobody else's business."""

import os
import random
import signal
import threading

import pytest
from harness import wait_until

from .anatomy import COPIES, answers, guardian, inits, send

OTHER_PORT = 9001
LAN_ADDRESS = "198.51.100.1"
FORWARDING = "net.ipv4.conf.lan0.forwarding"
AT_ONCE = 2.0
ROUNDS = 3


class Client:
    """Asks one port again and again, from the host and from the LAN, until it is told to stop."""

    def __init__(self, host, port):
        """Begin."""
        self._failures = []
        self._answered = [0, 0]
        self._over = threading.Event()
        places = ((host, "127.0.0.1"), (host.client, LAN_ADDRESS))
        self._threads = [
            threading.Thread(target=self._ask, args=(index, node, port, address), daemon=True)
            for index, (node, address) in enumerate(places)
        ]
        for thread in self._threads:
            thread.start()
        self.goes_on()

    def _ask(self, index, node, port, address):
        while not self._over.is_set():
            try:
                assert answers(node, port, address)
                self._answered[index] += 1
            except Exception as error:  # pylint: disable=broad-except
                self._failures.append(f"{address}:{port}: {error!r}")
                return

    def goes_on(self):
        """Wait until both were answered once more."""
        before = list(self._answered)
        both = lambda: self._failures or all(now > then + 1 for now, then in zip(self._answered, before))
        wait_until(both, AT_ONCE, "both clients are answered")
        assert not self._failures, self._failures

    def finish(self):
        """End, and fail if any request was not answered."""
        self.goes_on()
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert not self._failures, self._failures


def tables(host):
    """Return the names of the host's nftables tables, without those that guard uplinks."""
    names = {line.split()[-1] for line in host.run(["nft", "list", "tables"]).stdout.splitlines()}
    return {name for name in names if not name.startswith("uva_guard_")}


def bridges(host):
    """Return the names of the host's bridges."""
    listed = host.run(["ip", "-br", "link", "show", "type", "bridge"]).stdout.splitlines()
    return {line.split()[0] for line in listed}


@pytest.fixture
def pair(host, project, neighbour):
    """Two managers that run: of uva_container, and of the other front door; each with its first port."""
    first = host.start_manager(project, keep="Ctrl-C").wait_ready()
    second = host.start_manager(neighbour("second"), OTHER_PORT, 2, keep="Ctrl-C").wait_ready()
    return [(first, 8081), (second, OTHER_PORT)]


def test_each_has_its_own_table_and_bridge(host, pair):
    """The second one's names are numbered; stopped, each takes its own with it."""
    assert tables(host) == {"uva_container", "uva_container_1"}
    assert bridges(host) == {"uva0", "uva1"}
    assert pair[0][0].stop() == 0
    assert tables(host) == {"uva_container_1"} and bridges(host) == {"uva1"}
    assert pair[1][0].stop() == 0
    assert not tables(host) and not bridges(host)


def stop(manager):
    """As a user does."""
    assert manager.stop() == 0
    assert manager.err.lines == []


def kill(manager):
    """Nothing is left of it but what its guardian undoes."""
    manager.send(signal.SIGKILL)
    assert manager.wait() == -signal.SIGKILL


def kill_guardian(manager):
    """It stops by itself."""
    send(guardian(manager), signal.SIGKILL)
    assert manager.wait() == 1
    assert manager.err.lines


def kill_copies(manager):
    """It stops by itself."""
    for pid in inits(manager):
        send(pid, signal.SIGKILL)
    assert manager.wait() == 1


@pytest.mark.parametrize("end", [stop, kill, kill_guardian, kill_copies])
@pytest.mark.parametrize("which", [0, 1])
def test_the_end_of_one_is_not_noticed_by_the_other(host, pair, which, end):
    """Whichever it is, and however it ends: not a single request of the other's clients fails."""
    (ending, _), (staying, port) = pair[which], pair[1 - which]
    clients = Client(host, port)
    end(ending)
    wait_until(lambda: not ending.own_processes(), AT_ONCE, "all of its processes are gone")
    clients.finish()
    assert host.sysctl(FORWARDING) == "1"
    assert staying.stop() == 0
    assert staying.err.lines == []


@pytest.mark.parametrize("end", [stop, kill])
def test_a_new_one_beside_one_that_runs(host, project, pair, end):
    """The first ends and comes again, while the second serves: it gets the free names again."""
    clients = Client(host, pair[1][1])
    end(pair[0][0])
    wait_until(lambda: bridges(host) == {"uva1"}, AT_ONCE, "the first one's bridge is gone")
    again = host.start_manager(project).wait_ready()
    assert bridges(host) == {"uva0", "uva1"}
    for number in COPIES:
        assert answers(host, 8080 + number)
    stop(again)
    clients.finish()
    stop(pair[1][0])


# ---- At the same instant -------------------------------------------------------------------------


class Gate:
    """Where managers wait, to be let go at once."""

    def __init__(self, directory):
        """directory: for the gate itself."""
        self._directory = directory
        self._pipes = []

    def under(self):
        """Return what to start one more manager under, to have it wait."""
        self._pipes.append(self._directory / f"gate-{len(self._pipes)}")
        os.mkfifo(self._pipes[-1])
        return ["sh", "-c", 'read -r go <"$1"; shift; exec "$@"', "sh", self._pipes[-1]]

    def open(self):
        """Wait until all are there, and let them go."""
        ends = [open(pipe, "wb", buffering=0) for pipe in self._pipes]
        for end in ends:
            end.write(b"go\n")
        for end, pipe in zip(ends, self._pipes):
            end.close()
            pipe.unlink()


def starts(host, gate, *runs):
    """Start several, (project, arguments) each, at the same instant."""
    managers = [host.start_manager(project, *arguments, under=gate.under()) for project, arguments in runs]
    gate.open()
    return managers


@pytest.mark.parametrize("attempt", range(5))
def test_two_at_the_same_instant_on_the_same_ports(host, project, neighbour, tmp_path, attempt):
    """One of them serves; the other says which port, and ends with 1."""
    other = neighbour("second") if attempt % 2 else host.project(tmp_path / "same")
    other.install(project.there("http_recorder.py"))
    arguments = (8081, 2) if attempt % 2 else ()
    both = starts(host, Gate(tmp_path), (project, ()), (other, arguments))
    wait_until(lambda: not all(manager.running for manager in both), AT_ONCE, "one of them has ended")
    loser, winner = sorted(both, key=lambda manager: manager.running)
    assert loser.wait() == 1
    assert len(loser.err.lines) == 1 and "port 808" in loser.err.lines[0], loser.err.lines
    winner.wait_ready()
    for number in COPIES:
        assert answers(host, 8080 + number)
    stop(winner)


@pytest.mark.parametrize("attempt", range(5))
def test_two_at_the_same_instant_on_other_ports(host, project, neighbour, tmp_path, attempt):
    """Both serve, with names and subnets of their own."""
    both = starts(host, Gate(tmp_path), (project, ()), (neighbour("second"), (OTHER_PORT, 2)))
    for manager in both:
        manager.wait_ready()
    assert tables(host) == {"uva_container", "uva_container_1"}
    for port in (8081, 8082, OTHER_PORT, OTHER_PORT + 1):
        assert answers(host, port)
    for manager in both[:: 1 if attempt % 2 else -1]:
        stop(manager)


def test_two_stop_at_the_same_instant(host, pair):
    """Each undoes its own, and the last one what they shared."""
    for manager, _ in pair:
        manager.send(signal.SIGINT)
    for manager, _ in pair:
        assert manager.wait() == 0
        assert manager.err.lines == []
    assert host.sysctl(FORWARDING) == "0"


def test_three_at_once_with_random_kills(host, project, neighbour, tmp_path):
    """They start at the same instant and end in any order, by any death."""
    seed = int(os.environ.get("FAULT_SEED") or random.randrange(1 << 32))
    print(f"FAULT_SEED={seed}")
    dice = random.Random(seed)
    others = [(neighbour(name), (port, 2)) for name, port in (("second", OTHER_PORT), ("third", 9101))]
    for round_number in range(ROUNDS):
        gate = Gate(tmp_path)
        managers = [manager.wait_ready() for manager in starts(host, gate, (project, ()), *others)]
        left = dict(zip(managers, (8081, OTHER_PORT, 9101)))
        for manager in dice.sample(managers, len(managers)):
            end = dice.choice([stop, kill, kill_guardian, kill_copies])
            print(f"round {round_number}: {manager.argv[-2:]} {end.__name__}")
            end(manager)
            del left[manager]
            for port in left.values():
                assert answers(host, port) and answers(host.client, port + 1, LAN_ADDRESS)
        host.assert_as_before()
