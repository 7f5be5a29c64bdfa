# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy that is taken away gets no new connections; those that it has go on until they end, or --drain has passed."""

import signal
import time

import pytest
from harness import bridge_netfilter, wait_until
from keepers import AT_ONCE, KEEPER, Connection, Flow, Service, connect_to, greetings

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))  # with it, [::1] leads to no copy

LAN, LAN6 = "198.51.100.1", "2001:db8:1::1"
LONG = "60"
WAYS = {
    "localhost": ("host", "127.0.0.1"),
    "localhost-IPv6": ("host", "::1"),
    "LAN": ("client", LAN),
    "LAN-IPv6": ("client", LAN6),
}


@pytest.fixture
def serve(host, project):
    """Start copies of the keeper."""
    project.install(KEEPER)

    def run(*options, drain=LONG, **more):
        return Service(host, project, "--drain", drain, *options, **more).wait_ready()

    return run


def wait_draining(service, number, count, drain=LONG):
    """Wait until it is said that a copy drains, with that many connections."""
    service.manager.err.wait_for(
        rf"^portmux: copy {number}: gets no new connections; waiting up to {drain} s for {count} to end$", AT_ONCE
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_goes_on_until_it_ends(host, serve, way):
    """New ones are led to the other copy; SIGTERM comes when the last one has ended, long before its time."""
    service = serve()
    place, address = WAYS[way]
    node = host if place == "host" else host.client
    with connect_to(node, 2, address=address) as connection:
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 1)
        assert set(greetings(host)) == {1}
        assert service.states() == {1: "ready", 2: "draining"}
        assert connection.is_open()
        assert scale.running
        assert service.said(2, 1) == ["listens"]
    assert scale.wait(AT_ONCE) == 0
    assert scale.out.lines == ["copy 2: gone"]
    assert service.said(2, 2) == ["listens", "SIGTERM 0"]
    assert set(service.copies()) == {1}
    assert len(service.manager.err.lines) == 1
    service.stop()


def test_who_reads_the_table_sees_which_copy_drains(host, serve):
    """Its address and its name, as long as it does."""
    service = serve(copies=3)
    with connect_to(host, 3), connect_to(host, 2):
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 1)
        wait_draining(service, 3, 1)
        assert service.draining() == 2
        listed = host.run(["nft", "list", "set", "inet", "portmux", "draining"]).stdout
        assert 'comment "web, copy 2"' in listed and 'comment "web, copy 3"' in listed
    assert scale.wait(AT_ONCE) == 0
    assert service.draining() == 0
    service.stop()


def test_a_connection_that_does_not_end_is_cut(host, serve):
    """When --drain has passed, and not before; how many is said."""
    service = serve(drain="0.7")
    with connect_to(host, 2) as first, connect_to(host, 2) as second:
        began = time.monotonic()
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 2, r"0\.7")
        assert first.is_open() and second.is_open()
        service.manager.err.wait_for(r"^portmux: copy 2: connections that have not ended in 0\.7 s: 2$", AT_ONCE)
        assert time.monotonic() - began >= 0.7
        assert scale.wait(AT_ONCE) == 0
        assert not first.is_open() and not second.is_open()
    assert service.said(2, 2) == ["listens", "SIGTERM 2"]
    service.stop()


def test_udp_flows_move_at_once(host, serve):
    """The next datagram of a flow is answered by another copy, though the copy still drains."""
    service = serve(publish=("8080:8080", "8080:8080/udp"))
    flows = [Flow(host) for _ in range(8)]
    there = [flow for flow in flows if flow.ask().copy == 2]
    assert 0 < len(there) < 8
    with connect_to(host, 2):
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 1)
        assert {flow.ask().copy for flow in flows} == {1}
        assert scale.running
    assert scale.wait(AT_ONCE) == 0
    for flow in flows:
        flow.close()
    service.stop()


def test_a_copy_that_has_only_datagrams_does_not_wait(host, serve):
    """There is no end of a flow to wait for."""
    service = serve(publish=("8080:8080/udp",))
    flow = Flow(host)
    flow.ask()
    assert service.ask("scale", 1) == ["copy 2: gone"]
    assert flow.ask().copy == 1
    flow.close()
    assert service.manager.err.lines == []
    service.stop()


def test_a_port_of_its_own_is_refused_meanwhile(host, serve):
    """A copy that drains gets no new connections by it either; and when it has gone, the port is free."""
    service = serve(publish=("8081+:8080",))
    with Connection(host, port=8082) as connection:
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 1)
        assert host.refuses("127.0.0.1", 8082)
        assert connection.is_open()
        assert host.run(["ss", "-Hltn", "sport = :8082"]).stdout
    assert scale.wait(AT_ONCE) == 0
    host.listen("0.0.0.0", 8082).close()
    service.stop()


def test_a_copy_that_restarts_drains_first(host, serve):
    """It is asked to end when its connection is over; then it starts again, and gets connections."""
    service = serve()
    with connect_to(host, 1) as connection:
        restart = service.begin("restart", "1")
        wait_draining(service, 1, 1)
        assert set(greetings(host)) == {2}
        assert connection.is_open()
        before = connection.greeting
    assert restart.wait(AT_ONCE) == 0
    after = greetings(host)
    assert set(after) == {1, 2} and after[1] != before
    assert service.said(1, 3) == ["listens", "SIGTERM 0", "listens"]
    service.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_of_the_run_does_not_wait_for_connections(host, serve, number):
    """A copy that drains is asked to end as all others."""
    service = serve()
    with connect_to(host, 2):
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 1)
        assert service.manager.stop(number, AT_ONCE) == 0
        assert scale.wait(AT_ONCE) == 1
        assert scale.err.lines == ["portmux: run web: the run has ended"]
    assert service.said(2, 2) == ["listens", "SIGTERM 1"]


def test_a_manager_killed_meanwhile_leaves_nothing(host, serve):
    """The host fixture compares."""
    service = serve()
    with connect_to(host, 2) as connection:
        scale = service.begin("scale", 1)
        wait_draining(service, 2, 1)
        assert service.manager.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not service.manager.own_processes(), AT_ONCE, "all have ended")
        assert not connection.is_open()
    assert scale.wait(AT_ONCE) == 1


@pytest.mark.parametrize("again", [False, True], ids=["scale", "restart"])
def test_a_copy_that_is_killed_while_it_drains(host, serve, again):
    """Nobody waits for the rest of its time: it goes, or starts again."""
    service = serve()
    with connect_to(host, 2) as connection:
        change = service.begin(*(("restart", "2") if again else ("scale", 1)))
        wait_draining(service, 2, 1)
        service.ask("kill", 2)
        assert change.wait(AT_ONCE) == 0
        assert not connection.is_open()
    assert set(service.copies()) == ({1, 2} if again else {1})
    service.stop()


def test_a_copy_that_ignores_sigterm_has_its_grace_period_after_that(host, serve):
    """--drain and --grace, one after the other; then it is killed."""
    service = serve("--grace", "0.5", drain="0.5", argument="deaf")
    with connect_to(host, 2) as connection:
        began = time.monotonic()
        service.ask("scale", 1)
        assert time.monotonic() - began >= 1.0
        assert not connection.is_open()
    assert service.said(2, 2) == ["listens", "SIGTERM 1"]
    service.stop()
