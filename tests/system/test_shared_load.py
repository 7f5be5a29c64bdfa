# SPDX-License-Identifier: GPL-2.0-or-later
"""A shared port under load: its copies and the run's ports change, and no request is lost.

Four clients never let up, on the host and on its LAN, by IPv4 and IPv6, with connections that are kept and with
new ones: see load.c. SHARED_LOAD_ROUNDS is how often each change is made.
"""

import os
import signal
import time

import pytest
from harness import Load, bridge_netfilter, build_load, build_one_thread, copies_of, wait_until

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))  # with it, [::1] leads to no copy

ROUNDS = int(os.environ.get("SHARED_LOAD_ROUNDS", "2"))
NAME, PORT, OTHER_PORT = "web", 8080, 9090
FEW, MANY = 2, 8
DONE = 30.0  # a change, on a busy machine
DRAIN = 20  # a client renews its connections long before
IN_FLIGHT = 0.5  # from the end of a copy until no request is led to it, on a busy machine
ENOUGH = 100  # requests of a client meanwhile: else it was no load
AT_LEAST = 1.0  # seconds of changes
PROBES = 16  # connections for each copy that is expected, to see which copies answer: others connect in between
EVEN = 0.05
CONNECTIONS = 10_000

LOCAL = ("127.0.0.1", "::1")
ON_LAN = ("198.51.100.1", "2001:db8:1::1")


class Shared:
    """A run whose copies share a port, and what is changed of it."""

    def __init__(self, host, project, program):
        """Start it."""
        project.install(program)
        options = ("--name", NAME, "-n", FEW, "-p", f"{PORT}:8080", "--drain", DRAIN, "--restart", "always")
        places = ("--files", "private", "-d", "copies")
        arguments = map(str, (*options, *places, "--", "./http_recorder.py"))
        self.host = host
        self.project = project
        self.manager = host.start_portmux(project, *arguments).wait_ready()
        self.wait_answered_by(FEW)

    def command(self, verb, *arguments):
        """Give a command to the run, which has to succeed."""
        argv = [f"{self.project.path}/portmux", verb, NAME, *arguments]
        return self.host.run(argv, deadline=DONE)

    def answering(self, probes):
        """Return the copies, by what they answer, of some connections; None if one was refused."""
        try:
            return {self.host.get(f"http://127.0.0.1:{PORT}/").text.strip() for _ in range(probes)}
        except ConnectionRefusedError:
            return None

    def wait_answered_by(self, count):
        """Wait until that many copies answer, and no other copy lives."""

        def is_so():
            return len(copies_of(self.project)) == count and len(self.answering(PROBES * count) or ()) == count

        wait_until(is_so, DONE, lambda: f"{count} copies answer; processes: {copies_of(self.project)}")

    def restart(self, *options):
        """All copies, one at a time."""
        before = copies_of(self.project)
        self.command("restart", *options)
        after = copies_of(self.project)
        assert len(after) == FEW and not set(before.values()) & set(after.values())

    def surge(self):
        """All copies; a new one comes first."""
        self.restart("--surge")

    def scale(self):
        """Up and down."""
        for count in (MANY, FEW):
            self.command("scale", str(count))
            self.wait_answered_by(count)

    def publish(self):
        """A port of its own, and away with it."""
        mapping = f"{OTHER_PORT}:8080"
        self.command("publish", mapping)
        assert self.host.get(f"http://127.0.0.1:{OTHER_PORT}/").status == 200
        self.command("unpublish", mapping)
        assert self.host.refuses("127.0.0.1", OTHER_PORT)

    def kill(self):
        """A copy, which starts again; return its number, and when."""
        before = copies_of(self.project)
        number = min(before)
        killed = time.monotonic()
        os.kill(before[number], signal.SIGKILL)
        wait_until(lambda: before[number] not in copies_of(self.project).values(), DONE, f"copy {number} has ended")
        self.wait_answered_by(FEW)
        return number, killed


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """The load and the server."""
    directory = tmp_path_factory.mktemp("load")
    return build_load(directory), build_one_thread(directory)


@pytest.fixture
def shared(host, project, programs):
    """Copies that share a port. At the end the run is stopped, which succeeds."""
    run = Shared(host, project, programs[1])
    yield run
    assert run.manager.stop() == 0


@pytest.fixture
def load(host, programs):
    """Return a function that begins the load."""

    def begin():
        return [
            Load(node, programs[0], mode, PORT, addresses)
            for node, addresses in ((host, LOCAL), (host.client, ON_LAN))
            for mode in ("kept", "new")
        ]

    return begin


def finish(loads):
    """End the loads; return what each has counted."""
    results = [(client, client.finish()) for client in loads]
    for client, result in results:
        assert result["requests"] >= ENOUGH, f"{client}: {result}"
    return results


@pytest.mark.parametrize("change", ["restart", "surge", "scale", "publish"])
def test_nothing_is_lost(shared, load, change):
    """Not one request fails, of all clients, however often that is changed."""
    loads = load()
    end, rounds = time.monotonic() + AT_LEAST, 0
    while rounds < ROUNDS or time.monotonic() < end:
        getattr(shared, change)()
        rounds += 1
    for client, result in finish(loads):
        assert sum(result["failed"].values()) == 0, f"{client}: {result}"


def test_only_what_is_in_flight_is_lost_with_a_copy_that_is_killed(shared, load):
    """Of each connection one request at most, when the copy dies; its next one is answered."""
    for _ in range(ROUNDS):
        loads = load()
        number, killed = shared.kill()
        for client, result in finish(loads):
            assert sum(result["failed"].values()) <= client.connections, f"{client}: {result}"
            for failure in result["failures"]:
                assert failure["kind"] in ("refused", "reset", "closed"), failure
                assert failure["copy"] in (0, number), failure
                assert killed < failure["failed"] < killed + IN_FLIGHT, (killed, failure)


def test_round_robin_is_even(host, shared, programs):
    """Ten thousand new connections, and as many to each copy."""
    client = Load(host, programs[0], "new", PORT, ["127.0.0.1"], seconds=5)
    answers = client.wait(DONE)["answers"]
    average = sum(answers.values()) / FEW
    assert average * FEW >= CONNECTIONS
    assert len(answers) == FEW
    assert max(answers.values()) - average <= EVEN * average
    assert shared.manager.running


def test_callers_do_not_compete_for_source_ports(host, project, programs):
    """Each has a TCP clock of its own: would a copy see them by one address, it would refuse to the next client, for
    a minute, the ports that the last one has left. So each SYN is answered, of copies and of localhost in turn."""
    project.install(programs[1])
    places = ("-n", FEW + 1, "--files", "private", "-d", "copies")
    manager = host.start_portmux(project, "--name", NAME, *places, "-p", "8081+:8080", "--", "./http_recorder.py")
    manager.wait_ready()
    copies = [host.enter(copies_of(project)[number]) for number in (2, 3)]
    callers = [(host, "127.0.0.1"), *((copy, ON_LAN[0]) for copy in copies)]
    repeated = [counted(node, "TCPSynRetrans") for node, _ in callers]
    for node, address in (*callers, *callers):
        assert Load(node, programs[0], "new", 8081, [address], seconds=1).wait(DONE)["requests"] > ENOUGH
    assert [counted(node, "TCPSynRetrans") for node, _ in callers] == repeated
    assert manager.stop() == 0


def counted(node, name):
    """Return a counter of a node's TCP."""
    names, values = (line.split() for line in node.run(["grep", "^TcpExt", "/proc/net/netstat"]).stdout.splitlines())
    return int(values[names.index(name)])
