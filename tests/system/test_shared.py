# SPDX-License-Identifier: GPL-2.0-or-later
"""One host port that leads to many copies (-n N -p HOSTPORT:PORT), and how it is shared."""

import collections
import itertools
import os
import re
import signal
import socket

import pytest
from harness import PLAIN_USER, Host, bridge_netfilter, wait_until
from sharing import (
    AT_ONCE,
    KINDS,
    LAN,
    LAN6,
    PORT,
    SHARER,
    SOME,
    blocks,
    buckets,
    call,
    copies_by_source,
    copy_node,
    counts,
    is_in_turn,
    sources,
    start_sharers,
    table,
    wait_led_to,
)

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))  # with it, [::1] leads to no copy

FAILED = 1

# From where the port is reached, by which address. "copy": from copy 1, back to one of them (hairpin).
WAYS = {
    "localhost": ("host", "127.0.0.1"),
    "another-loopback-address": ("host", "127.0.0.2"),
    "host": ("host", LAN),
    "LAN": ("client", LAN),
    "copy": ("copy", LAN),
    "localhost-IPv6": ("host", "::1"),
    "host-IPv6": ("host", LAN6),
    "LAN-IPv6": ("client", LAN6),
    "copy-IPv6": ("copy", LAN6),
}


# ---- How it is shared ----


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A host on which three copies share the port, by TCP and UDP; nothing of that run changes."""
    with Host(sysctls=bridge_netfilter(0)) as host:
        project = host.project(tmp_path_factory.mktemp("shared"))
        project.install(SHARER)
        host.shared_run = start_sharers(host, project, 3, publish=("8080:5000", "8080:5000/udp")).wait_ready()
        yield host
        host.finish()


@pytest.mark.parametrize("copies, connections", [(2, 2000), (3, 10_000), (7, 2000)])
def test_thousands_of_connections_are_dealt_out_evenly(host, run_shared, copies, connections):
    """Each copy gets as many as any other: they come in turn."""
    run_shared(copies)
    found = counts(call(host, "127.0.0.1", connections))
    assert set(found) == set(range(1, copies + 1))
    assert max(found.values()) - min(found.values()) <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_from_everywhere_connections_go_to_each_copy_in_turn(shared, way, kind):
    """A datagram from a new port is like a connection."""
    who, address = WAYS[way]
    node = {"host": shared, "client": shared.client}.get(who) or copy_node(shared.shared_run, shared, 1)
    answers = call(node, address, SOME, kind=kind)
    assert counts(answers) == dict.fromkeys((1, 2, 3), SOME // 3)
    assert is_in_turn(answers)


def test_a_udp_client_that_keeps_its_port_keeps_its_copy(shared):
    """Its datagrams are one flow."""
    with shared.client.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        client.settimeout(AT_ONCE)
        client.connect((LAN, PORT))
        found = set()
        for _ in range(20):
            client.send(b"who?")
            found.add(client.recv(100))
    assert len(found) == 1


@pytest.mark.host(sysctls=bridge_netfilter(1))
def test_where_bridged_packets_are_filtered(host, run_shared):
    """There, too, from this host, the LAN and a copy; [::1] is refused at once."""
    manager = run_shared(3)
    for node, address in ((host, "127.0.0.1"), (host.client, LAN6), (copy_node(manager, host, 2), LAN)):
        assert counts(call(node, address, 30)) == {1: 10, 2: 10, 3: 10}
    assert call(host, "::1") == [None]


def test_many_copies_are_in_turn_when_none_comes_or_goes(host, run_shared):
    """More than 42 have more buckets, which are dealt in turn when all is calm."""
    run_shared(50)
    in_turn = list(range(1, 51))
    wait_until(lambda: buckets(host)[:50] == in_turn, 5.0, "the buckets are dealt in turn")
    assert is_in_turn(call(host, "127.0.0.1", 100))
    assert counts(call(host, "127.0.0.1", 1000)) == dict.fromkeys(in_turn, 20)


def test_one_copy_has_the_port_alone(host, run_shared):
    """Of one copy, it is a port like any other."""
    run_shared(1)
    assert counts(call(host, "127.0.0.1", 10)) == {1: 10}


def test_by_random(host, run_shared):
    """Every connection to any of them: about as many to each, but not in turn."""
    run_shared(3, "--balance", "random")
    answers = call(host, "127.0.0.1", 3000)
    found = counts(answers)
    assert set(found) == {1, 2, 3}
    assert 850 < min(found.values()) <= max(found.values()) < 1150  # of what chance gives, all but 1 in 10 million
    assert not is_in_turn(answers[:100])


# ---- The same client, the same copy ----


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_by_source_a_client_keeps_its_copy(host, run_shared, family, kind):
    """While the copies stay; all of them have clients."""
    run_shared(3, "--balance", "source", publish=(f"8080:5000/{kind}",))
    found = copies_by_source(host, sources(host, family == "IPv6"), kind)
    assert set(found.values()) == {1, 2, 3}


def test_by_source_only_the_clients_of_one_that_goes_move(host, sharers, run_shared):
    """And when it comes back, none moves but to it."""
    run_shared(3, "--balance", "source")
    addresses = sources(host)
    before = copies_by_source(host, addresses)
    deaf = sharers.place(2, "deaf", "")
    wait_led_to(host, 1, 3)
    without = copies_by_source(host, addresses)
    assert {address for address in addresses if without[address] != before[address]} == {
        address for address in addresses if before[address] == 2
    }
    deaf.unlink()
    wait_led_to(host, 1, 2, 3)
    again = copies_by_source(host, addresses)
    assert {again[address] for address in addresses if again[address] != without[address]} == {2}


# ---- Beside others ----


def test_a_port_of_one_address_and_the_same_elsewhere(host, run_shared):
    """Each is shared by itself; a third address is another program's."""
    run_shared(2, publish=("127.0.0.1:8080:5000", f"{LAN}:8080:5001", f"[{LAN6}]:8080:5000"))
    for node, address, port in (
        (host, "127.0.0.1", 5000),
        (host, LAN, 5001),
        (host.client, LAN, 5001),
        (host, LAN6, 5000),
        (host.client, LAN6, 5000),
    ):
        answers = call(node, address, 10)
        assert {answer.port for answer in answers} == {port}
        assert counts(answers) == {1: 5, 2: 5}
    assert call(host, "127.0.0.2") == call(host, "::1") == [None]
    with host.listen("127.0.0.2", PORT) as other, host.connect("127.0.0.2", PORT) as client:
        other.settimeout(AT_ONCE)
        with other.accept()[0] as accepted:
            assert accepted.getpeername() == client.getsockname()


def test_two_shared_ports_and_a_port_for_each(host, run_shared):
    """Each shared port has turns of its own."""
    run_shared(3, publish=("8080:5000", "8090:5001", "8100+:5000", "8090:5000/udp"))
    for port, own in ((8080, 5000), (8090, 5001)):
        answers = call(host, "127.0.0.1", 30, port=port)
        assert {answer.port for answer in answers} == {own}
        assert counts(answers) == {1: 10, 2: 10, 3: 10}
    assert counts(call(host, "::1", 30, port=8090, kind="udp")) == {1: 10, 2: 10, 3: 10}
    for number in (1, 2, 3):
        assert counts(call(host.client, LAN, 5, port=8099 + number)) == {number: 5}


def test_copies_in_turn_of_two_ports_at_once(host, run_shared):
    """Connections to one of them do not change whose turn it is at the other."""
    run_shared(2, publish=("8080:5000", "8090:5000"))
    answers = [call(host, "127.0.0.1", port=port)[0] for port in (8080, 8090) * 20]
    for found in (answers[::2], answers[1::2]):
        assert is_in_turn(found) and len(counts(found)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_that_another_program_holds_is_refused_by_its_name(host, sharers, kind):
    """Said once, not for each copy."""
    program = "import os, signal, socket\n"
    program += f"server = socket.socket(type=socket.SOCK_{'STREAM' if kind == 'tcp' else 'DGRAM'})\n"
    program += f"server.bind(('', 8080)); {'server.listen()' if kind == 'tcp' else ''}\n"
    program += "print(os.getpid(), flush=True); signal.pause()"
    holder = host.popen(["/usr/bin/python3", "-c", program])
    pid = holder.out.wait_for(r"^\d+$")[0]
    manager = start_sharers(host, sharers, 3, publish=(f"8080:5000/{kind}",))
    assert manager.wait() == FAILED
    said = f"portmux: {kind.upper()} port 8080 is in use by python3 (pid {pid}): stop that program first"
    assert manager.err.lines == [said]


def test_nobody_else_gets_the_port(host, run_shared):
    """While it is shared, it is held."""
    run_shared(2)
    for address in ("0.0.0.0", "127.0.0.1", LAN, "::"):
        with pytest.raises(OSError, match="in use"):
            host.listen(address, PORT).close()


# ---- The rules ----


def test_the_rules_tell_who_shares_the_port(host, run_shared):
    """The port, how it is shared, by whom; each copy with its name and a counter."""
    run_shared(3, publish=("8080:5000", "8081:5001/udp"))
    call(host, "127.0.0.1", 30)
    call(host, "::1", 6)
    call(host.client, LAN, 9, port=8081, kind="udp")
    found = blocks(table(host))
    for kind, port, chain, counted in (("tcp", 8080, "copy-{}", 12), ("udp", 8081, "copy-{}-udp-8081", 3)):
        name, comment = f"shared-{kind}-{port}", f'comment "port {port}, shared by the copies: round-robin"'
        assert f"{kind} . {port} {comment} : goto {name}" in found["published"]
        assert comment in found[name]
        assert f"numgen inc mod 840 vmap @buckets-{kind}-{port}" in found[name]
        assert comment in found[f"buckets-{kind}-{port}"]
        leads_to = collections.Counter(re.findall(r": goto ([\w-]+)", found[f"buckets-{kind}-{port}"]))
        assert leads_to == {chain.format(number): 280 for number in (1, 2, 3)}
        for number in (1, 2, 3):
            rules = found[chain.format(number)].strip().splitlines()
            assert all(re.search(rf' comment "web, copy {number}"', rule) for rule in rules)
            assert sum(int(count) for count in re.findall(r"counter packets (\d+)", "".join(rules))) == counted


JHASH = r"(meta nfproto ipv. )?jhash {} saddr mod 840 seed 0x[0-9a-f]+ vmap @buckets-tcp-8080"
RULES = {
    "random": [r"numgen random mod 840 vmap @buckets-tcp-8080"],
    "source": [JHASH.format("ip"), JHASH.format("ip6")],
}


@pytest.mark.parametrize("balance", RULES)
def test_the_rules_tell_how_the_port_is_shared(host, run_shared, balance):
    """In nft's words."""
    run_shared(2, "--balance", balance)
    found = [line.strip() for line in blocks(table(host))["shared-tcp-8080"].splitlines() if "comment" not in line]
    assert len(found) == len(RULES[balance])
    for line, rule in zip(found, RULES[balance]):
        assert re.fullmatch(rule, line), line


# ---- Without root ----


@pytest.mark.host(own_dev=True, sysctls=bridge_netfilter(0))
def test_without_root(host):
    """The same, from this host and the LAN; one that is killed is left out."""
    project = host.home(PLAIN_USER)
    project.install(SHARER)
    manager = start_sharers(host, project, 3, publish=("8080:5000", "8080:5000/udp"), user=PLAIN_USER).wait_ready()
    ways = [(host, "127.0.0.1"), (host.client, LAN), (host.client, LAN6)]
    for kind, (node, address) in itertools.product(KINDS, ways):
        assert counts(call(node, address, 30, kind=kind)) == {1: 10, 2: 10, 3: 10}, (kind, address)
    os.kill(manager.copy_process(2), signal.SIGKILL)
    manager.err.wait_for(r"^portmux: copy 2: ended by SIGKILL")
    for node, address in ways:
        assert counts(call(node, address, 30)) == {1: 15, 3: 15}
    assert manager.stop() == 0
