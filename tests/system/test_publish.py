# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux publish and unpublish: host ports come and go while the run lives."""

import re
import signal

import pytest
from harness import PLAIN_USER, bridge_netfilter, wait_until
from keepers import AT_ONCE, KEEPER, NAME, PORT, Connection, Flow, Service, connect_to, greet, greetings, hold_port

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))  # with it, [::1] leads to no copy

USAGE = 2
LAN = "198.51.100.1"
MANY = 40


def table(host):
    """Return the run's rules, and what their sets and maps have in them, without counts."""
    text = host.run(["nft", "list", "table", "inet", "portmux"]).stdout
    return sorted(re.sub(r"packets \d+ bytes \d+", "", text).splitlines())


def assert_same_table(host, before):
    """Fail if the table does not become again what it was: chains are deleted some time later."""
    wait_until(lambda: table(host) == before, AT_ONCE, lambda: f"{before}\n{table(host)}")


def is_free(host, port, address="0.0.0.0"):
    """Whether another program could have the port."""
    try:
        host.listen(address, port).close()
    except OSError:
        return False
    return True


def test_a_port_for_all_copies(host, serve):
    """It leads to each of them, also to one that comes later, from everywhere; then it is nobody's again."""
    service = serve()
    service.ask("publish", "9000:8080")
    assert set(greetings(host, port=9000)) == {1, 2}
    assert greet(host.client, 9000, LAN).copy in (1, 2)
    assert greet(host, 9000, "::1").copy in (1, 2)
    service.ask("scale", 3)
    assert set(greetings(host, 24, 9000)) == {1, 2, 3}
    service.ask("scale", 2)
    service.ask("unpublish", "9000:8080")
    assert host.refuses("127.0.0.1", 9000) and is_free(host, 9000)
    assert set(greetings(host)) == {1, 2}
    assert service.manager.err.lines == []
    service.stop()


@pytest.mark.parametrize(
    "mapping", ["9000:8080", "9000+:8080", "9000-9007:8080", "127.0.0.1:9000:8080", "[::1]:9000+:8080", "9000:8080/udp"]
)
def test_to_and_fro_leaves_the_table_as_it_was(host, serve, mapping):
    """For every kind of mapping, also a second time."""
    service = serve()
    service.ask("publish", mapping)  # what a table gets with the first port of one address, it keeps
    service.ask("unpublish", mapping)
    before = []
    named = re.compile(r"(?<![0-9a-f:])9000(?![0-9a-f:])")  # but not in a random address, such as fd12:9000:34::

    def has_gone():
        before[:] = table(host)
        return not any(map(named.search, before))

    wait_until(has_gone, AT_ONCE, lambda: "it has gone from the table\n" + "\n".join(before))
    service.ask("publish", mapping)
    assert any(map(named.search, table(host)))
    service.ask("unpublish", mapping)
    assert_same_table(host, before)
    service.stop()


def test_a_port_of_each_copy(host, serve):
    """The copies that there are have theirs at once; one that comes later, the next one."""
    service = serve()
    service.ask("publish", "9001+:8080")
    assert [greet(host, port).copy for port in (9001, 9002)] == [1, 2]
    assert is_free(host, 9003)
    service.ask("scale", 3)
    assert greet(host, 9003).copy == 3
    service.ask("unpublish", "9001+:8080")
    assert all(is_free(host, port) for port in (9001, 9002, 9003))
    service.ask("scale", 4)
    assert is_free(host, 9004)
    service.stop()


def test_a_range_that_is_too_short(host, serve):
    """It is refused, and nothing has changed; one that is long enough bounds the number of copies."""
    service = serve(copies=3)
    before = table(host)
    assert service.refusal("publish", "9001-9002:8080") == f"portmux: run {NAME}: 9001-9002:8080: no host port for copy 3"
    assert table(host) == before and is_free(host, 9001)
    service.ask("publish", "9001-9003:8080")
    assert service.refusal("scale", 4) == f"portmux: run {NAME}: 9001-9003:8080: no host port for copy 4"
    service.ask("unpublish", "9001-9003:8080")
    service.ask("scale", 4)
    service.stop()


def test_another_port_within_a_range(host, serve):
    """It is not taken away with the range, and no copy gets it as its own."""
    service = serve()
    service.ask("publish", "9000+:8080")
    service.ask("publish", "9002:8080")
    assert service.refusal("scale", 3) == f"portmux: run {NAME}: port 9002: is mapped already"
    assert set(service.copies()) == {1, 2}
    service.ask("unpublish", "9000+:8080")
    assert is_free(host, 9000)
    assert set(greetings(host, port=9002)) == {1, 2}
    service.ask("scale", 3)
    service.stop()


def test_a_port_of_one_address(host, serve):
    """It is reached there, and the same port elsewhere is free, or published for itself."""
    service = serve()
    service.ask("publish", "127.0.0.1:9000:8080")
    assert set(greetings(host, port=9000)) == {1, 2}
    assert host.client.refuses(LAN, 9000) and is_free(host, 9000, LAN)
    service.ask("publish", f"{LAN}:9000:8080")
    assert greet(host.client, 9000, LAN).copy in (1, 2)
    service.ask("unpublish", "127.0.0.1:9000:8080")
    assert host.refuses("127.0.0.1", 9000) and is_free(host, 9000, "127.0.0.1")
    assert greet(host.client, 9000, LAN).copy in (1, 2)
    service.stop()


def test_udp(host, serve):
    """Beside TCP with the same number; a flow ends with its port."""
    service = serve()
    service.ask("publish", f"{PORT}:8080/udp")
    flow = Flow(host)
    assert flow.ask().copy in (1, 2)
    assert set(greetings(host)) == {1, 2}
    service.ask("unpublish", f"{PORT}:8080/udp")
    with pytest.raises(OSError):
        flow.ask()
    flow.close()
    assert set(greetings(host)) == {1, 2}
    service.stop()


def test_a_port_of_the_start(host, serve):
    """It can be given up, and had again."""
    service = serve()
    before = table(host)
    service.ask("unpublish", f"{PORT}:8080")
    assert host.refuses("127.0.0.1", PORT) and is_free(host, PORT)
    service.ask("publish", f"{PORT}:8080")
    assert set(greetings(host)) == {1, 2}
    assert_same_table(host, before)
    service.stop()


def test_connections_go_on_without_their_port(host, serve):
    """No new one is led to a copy by it; those that there are do not end."""
    service = serve()
    with Connection(host) as connection:
        service.ask("unpublish", f"{PORT}:8080")
        assert host.refuses("127.0.0.1", PORT)
        assert connection.is_open()
    service.stop()


@pytest.mark.parametrize(
    "mapping, address, kind, said",
    [
        ("9000:8080", "0.0.0.0", "tcp", "TCP port 9000 is in use by {}: stop that program first"),
        ("9000:8080/udp", "0.0.0.0", "udp", "UDP port 9000 is in use by {}: stop that program first"),
        ("127.0.0.1:9000:8080", "127.0.0.1", "tcp", "TCP port 9000 of 127.0.0.1 is in use by {}: stop that program first"),
        ("8999+:8080", "127.0.0.1", "tcp", "TCP port 9000 is in use by {}: stop that program first"),
    ],
)
def test_a_port_that_another_program_holds(host, serve, mapping, address, kind, said):
    """It is named, nothing has changed, and it is not disturbed; when it has gone, the same is done."""
    service = serve()
    before = table(host)
    with hold_port(host, 9000, address, kind) as holder:
        assert service.refusal("publish", mapping) == f"portmux: run {NAME}: {said.format(holder)}"
        assert_same_table(host, before)
        assert is_free(host, 8999)
    service.ask("publish", mapping)
    service.stop()


@pytest.mark.parametrize("mapping", ["8080:8080", "8080:9999", "8079+:8080", "8080-8090:8080"])
def test_a_port_that_is_mapped_already(host, serve, mapping):
    """It is refused, and nothing has changed."""
    service = serve()
    before = table(host)
    assert service.refusal("publish", mapping) == f"portmux: run {NAME}: port 8080: is mapped already"
    assert_same_table(host, before)
    assert is_free(host, 8079)
    assert set(greetings(host)) == {1, 2}
    service.stop()


@pytest.mark.parametrize(
    "mapping", ["9000:8080", "8080:9999", "8080:8080/udp", "127.0.0.1:8080:8080", "8080+:8080", "8080-8090:8080"]
)
def test_a_mapping_that_is_not_there(host, serve, mapping):
    """It is refused, also if a part of it is there."""
    service = serve()
    assert service.refusal("unpublish", mapping) == f"portmux: run {NAME}: there is no such mapping"
    assert set(greetings(host)) == {1, 2}
    service.stop()


def test_free_ports(serve):
    """They are chosen at the start of a run only."""
    service = serve()
    line = service.refusal("publish", "8080")
    assert line == f"portmux: run {NAME}: port 8080: give the host port: free ones are chosen at the start of a run"
    service.stop()


def test_free_ports_can_be_given_up(host, serve):
    """By the mapping as it was published."""
    service = serve(publish=("8080",))
    ports = [copy["mappings"][0]["host_port"] for copy in service.copies().values()]
    assert [greet(host, port).copy for port in ports] == [1, 2]
    service.ask("unpublish", "8080")
    assert all(is_free(host, port) for port in ports)
    service.ask("scale", 3)
    service.stop()


@pytest.mark.parametrize("verb", ["publish", "unpublish"])
@pytest.mark.parametrize("mapping", ["", "x", "8080:", "99999:1", "1:2/sctp", "1:2:3"])
def test_what_is_no_mapping(serve, verb, mapping):
    """It is refused before the run is asked."""
    service = serve(copies=1)
    assert service.refusal(verb, mapping, code=USAGE).startswith("portmux: ")
    service.stop()


def test_while_a_copy_drains(host, serve):
    """A port that is published meanwhile does not lead to it, also when it is restarted, until it is ready."""
    service = serve()
    with connect_to(host, 2):
        restart = service.begin("restart", 2)
        service.manager.err.wait_for("copy 2: gets no new connections", AT_ONCE)
        service.ask("publish", "9000:8080")
        service.ask("publish", "9001+:8080")
        assert set(greetings(host, port=9000)) == {1}
        assert host.refuses("127.0.0.1", 9002)
    assert restart.wait(AT_ONCE) == 0
    assert set(greetings(host, port=9000)) == {1, 2}
    assert greet(host, 9002).copy == 2
    service.stop()


def test_each_of_many_is_told_its_own(host, serve):
    """At the same time, some well, some not: ports that are free, held by another, mapped already."""
    service = serve(copies=1)
    with hold_port(host, 9999, "0.0.0.0", "tcp") as holder:
        asked = {}
        for number in range(MANY):
            mapping, answer = [
                (f"{9000 + number}:8080", []),
                ("9999:8080", [f"portmux: run {NAME}: TCP port 9999 is in use by {holder}: stop that program first"]),
                (f"{PORT}:8080", [f"portmux: run {NAME}: port {PORT}: is mapped already"]),
            ][number % 3]
            asked[service.begin("publish", mapping)] = answer
        for client, answer in asked.items():
            assert client.wait(AT_ONCE) == (1 if answer else 0)
            assert client.err.lines == answer
    for number in range(0, MANY, 3):
        assert greet(host, 9000 + number).copy == 1
    service.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_run_ends_meanwhile(host, serve, number):
    """With ports coming and going all the time: the host fixture compares."""
    service = serve()
    clients = []
    for port in range(9000, 9000 + MANY):
        clients.append(service.begin("publish", f"{port}:8080"))
        clients.append(service.begin("unpublish", f"{port - 3}:8080"))
    assert clients[MANY].wait(AT_ONCE) in (0, 1)
    service.manager.stop(number)
    wait_until(lambda: not service.manager.own_processes(), AT_ONCE, "all have ended")
    for client in clients:
        assert client.wait(AT_ONCE) in (0, 1)
    assert is_free(host, 9000)


@pytest.mark.host(own_dev=True)
def test_without_root(host):
    """It is refused, with the reason; the run goes on."""
    home = host.home(PLAIN_USER)
    home.install(KEEPER)
    service = Service(host, home, user=PLAIN_USER, copies=2)
    service.wait_ready()
    line = service.refusal("publish", "9000:8080")
    assert line == f"portmux: run {NAME}: port 9000: without root, no port can be added while copies run"
    assert service.refusal("publish", "9001+:8080") == line.replace("9000", "9001")
    service.ask("scale", 3)
    assert set(greetings(host, 24)) == {1, 2, 3}
    service.ask("restart")
    service.stop()
