# SPDX-License-Identifier: GPL-2.0-or-later
"""Docker or Podman on the same host: neither is disturbed by us, nor are we, whoever was there first, however we end."""

import signal

import pytest
from engines import Docker, Podman
from harness import OPEN, TOP, Scene, ask, outcomes, outcomes_from, wait_until

AT_ONCE = 2.0
READY = 10.0  # until a new container has its IPv6 address, and what is in it listens
HOST = {4: "198.51.100.1", 6: "2001:db8:1::1"}
CLIENT = {4: "198.51.100.2", 6: "2001:db8:1::2"}
PUBLISHED = 9000  # the host port of the container
OUTSIDE = 7001  # a port of the client
ALL = {"in by IPv4", "in by IPv6", "in from the host", "out by IPv4", "out by IPv6"}

# What they leave on a host when they stop: they count on the next start.
CLEAR = """
nft flush ruleset
for link in docker0 podman1; do ip link del $link; done
sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
conntrack -F
umount -R /run/podman /run/netns
rm -rf /run/docker* /run/containerd /run/podman /run/netns /run/containers /run/libpod /run/crun /run/runc /run/lock
"""


@pytest.fixture
def reporters(project):
    """A project whose http_recorder.py says who asks whom."""
    project.install(TOP / "tests/system/reporter.py")
    return project


@pytest.fixture(params=[Docker, Podman])
def start_engine(request, host, tmp_path):
    """Return what starts an engine and its container; afterwards nothing of both is left."""
    engines = []

    def start():
        engines.append(request.param(host, tmp_path, PUBLISHED))
        return engines[0]

    with host.client.listen("::", OUTSIDE):
        yield start
    for engine in engines:
        if engine.process.running:
            engine.stop()
        clear(host)


def clear(host):
    """Remove what an engine has left. Some of it may not be there."""
    host.run(["sh", "-c", CLEAR], check=False)


def ways(host, engine):
    """Return the ways in to the container and out of it that are open, of both families."""
    tries = {f"in by IPv{version}": (host.client, HOST[version], PUBLISHED) for version in (4, 6)}
    tries["in from the host"] = (host, HOST[4], PUBLISHED)
    found = {way for way, outcome in zip(tries, outcomes_from(tries.values())) if outcome == OPEN}
    return found | {f"out by IPv{version}" for version in (4, 6) if engine.reaches(CLIENT[version], OUTSIDE)}


def assert_engine_works(host, engine):
    """Fail if a way in to its container or out of it is closed."""
    wait_until(lambda: ways(host, engine) == ALL, READY, lambda: f"only {ways(host, engine)} are open")


def assert_copies_work(host, engine, scene):
    """Fail if the LAN does not reach the copies, or they not the LAN. Where the engine's firewall drops, that has
    to be said, and the commands that are told have to help."""
    for family in ("ip", "ip6") if engine.drops else ():
        said = scene.manager.err.wait_for(f"chain {family} filter FORWARD drops .* the LAN.*: (nft .*)$")
        host.run(["sh", "-ec", said[1]])
    for version in (4, 6):
        assert ask(host.client, HOST[version], 8081).peer == CLIENT[version]
        assert outcomes(scene.copy(1), [(CLIENT[version], OUTSIDE)]) == [OPEN]
    assert len(scene.manager.err.lines) == (2 if engine.drops else 0)


def assert_nothing_is_left(host):
    """Fail if links, tables or logs of ours are on the host."""
    look = ["sh", "-c", "ip -o link; nft list tables; ls /run"]
    wait_until(lambda: "uva" not in host.run(look).stdout, AT_ONCE, "nothing of ours is left")


def kill_all(scene):
    """Kill manager and guardian at the same moment."""
    scene.manager.kill_all()


def kill_manager(scene):
    """Kill the manager; its guardian undoes."""
    scene.manager.send(signal.SIGKILL)
    scene.manager.wait()


def stop(scene):
    """Stop as a user would."""
    assert scene.manager.stop() == 0


@pytest.mark.parametrize("end", [stop, kill_manager, kill_all])
def test_an_engine_that_is_started_after_us(host, reporters, start_engine, end):
    """Its published port and what its container calls: during our run, and after it."""
    scene = Scene(host, reporters)
    engine = start_engine()
    assert_engine_works(host, engine)
    assert_copies_work(host, engine, scene)
    assert_engine_works(host, engine)
    end(scene)
    if end is kill_all:
        assert_engine_works(host, engine)
        stop(Scene(host, reporters))
    assert_nothing_is_left(host)
    assert_engine_works(host, engine)


def test_an_engine_that_was_there_before_us(host, reporters, start_engine):
    """Both work, and the engine does after us."""
    engine = start_engine()
    assert_engine_works(host, engine)
    scene = Scene(host, reporters)
    assert_copies_work(host, engine, scene)
    assert_engine_works(host, engine)
    stop(scene)
    assert_nothing_is_left(host)
    assert_engine_works(host, engine)


def test_an_engine_that_is_started_when_all_of_us_were_killed(host, reporters, start_engine):
    """The guard that is left bars its port until our next start, which removes the guard."""
    kill_all(Scene(host, reporters))
    engine = start_engine()
    assert not {"in by IPv4", "in by IPv6"} & ways(host, engine)
    scene = Scene(host, reporters)
    assert_engine_works(host, engine)
    stop(scene)
    assert_engine_works(host, engine)


def test_an_engine_that_is_stopped_during_our_run(host, reporters, start_engine):
    """Forwarding is turned off again: the copies are reached as before, and the host is put back."""
    scene = Scene(host, reporters)
    engine = start_engine()
    assert_copies_work(host, engine, scene)
    engine.stop()
    clear(host)
    for version in (4, 6):
        wait_until(lambda version=version: outcomes(host.client, [(HOST[version], 8081)]) == [OPEN], AT_ONCE, "reached")
    stop(scene)
