# SPDX-License-Identifier: GPL-2.0-or-later
"""Host ports of one address only (-p ADDRESS:HOSTPORT:PORT): reached there, and the same port elsewhere is free."""

import json
import re
import socket
from pathlib import Path

import pytest
from harness import OPEN, PLAIN_USER, REFUSED, SYN_ACK, Host, Tap, bridge_netfilter, mac, outcomes, syn, wait_until

REPORTER = Path(__file__).with_name("reporter.py")
LAN, LAN6, SECOND, SECOND6 = "198.51.100.1", "2001:db8:1::1", "198.51.100.9", "2001:db8:1::9"
CLIENT = "198.51.100.2"
ABSENT = {"IPv4": "192.0.2.9", "IPv6": "2001:db8:2::9"}
USAGE, FAILED = 2, 1

# A host port, and the only address that leads to a copy by it.
BOUND = {8081: "127.0.0.1", 8082: LAN, 8083: "::1", 8084: LAN6, 8085: "127.0.0.2"}
LOOPBACK = ("127.0.0.1", "127.0.0.2", "::1")
ADDRESSES = [*LOOPBACK, LAN, SECOND, LAN6, SECOND6]

# Listens at an address and a port, says its pid, and waits.
LISTENER = """
import os, signal, socket, sys
host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
server = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
server.bind((host, port))
if kind == "tcp":
    server.listen()
print(os.getpid(), flush=True)
signal.pause()
"""

# Listens on UDP instead: answers each datagram with its copy's name.
UDP_SERVER = """#!/usr/bin/python3 -I
import socket
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", 8080))
while True:
    peer = server.recvfrom(100)[1]
    server.sendto(socket.gethostname().encode(), peer)
"""


def url_host(address):
    """Return an address as it stands in front of a port."""
    return f"[{address}]" if ":" in address else address


def publish(*mappings):
    """Return the options for mappings."""
    return [word for mapping in mappings for word in ("-p", mapping)]


def add_addresses(host):
    """Give the host a second address of each family on its LAN."""
    host.run(["ip", "addr", "add", f"{SECOND}/24", "dev", "lan0"])
    host.run(["ip", "addr", "add", f"{SECOND6}/64", "dev", "lan0", "nodad"])
    # The kernel makes the route of an IPv6 address some time later.
    wait_until(lambda: SECOND6 in host.run(["ip", "-6", "route", "show", "table", "local"]).stdout, 2, "it is usable")
    host.remember()


def start(host, project, *arguments, name="web", **options):
    """Start a run of the project's program, with a directory of its own for its state."""
    state = "copies" if name == "web" else f"copies-{name}"
    arguments = [*arguments, "--name", name, "--files", "private", "-d", state, "./http_recorder.py"]
    return host.start_portmux(project, *arguments, **options)


def who(node, address, port):
    """Return the name of the copy that answers there."""
    return json.loads(node.get(f"http://{url_host(address)}:{port}/").text.split("\n")[0])["copy"]


@pytest.fixture(scope="module")
def bound(tmp_path_factory):
    """A host on which one copy has a port of each kind of address; and that run."""
    with Host(sysctls=bridge_netfilter(0)) as host:
        host.set_sysctls({"net.ipv4.conf.lan0.route_localnet": 1})
        add_addresses(host)
        project = host.project(tmp_path_factory.mktemp("bound"))
        project.install(REPORTER)
        mappings = [f"{url_host(address)}:{port}:8080" for port, address in BOUND.items()]
        host.run_of_copy = start(host, project, *publish(*mappings)).wait_ready()
        yield host
        host.finish()


@pytest.mark.parametrize("port", BOUND)
def test_this_host_reaches_it_there_and_nowhere_else(bound, port):
    """By every other address the port is nobody's: refused, as without us."""
    expected = [OPEN if address == BOUND[port] else REFUSED for address in ADDRESSES]
    assert outcomes(bound, [(address, port) for address in ADDRESSES]) == expected
    assert who(bound, BOUND[port], port) == "web-1"


@pytest.mark.parametrize("port", BOUND)
def test_the_lan_reaches_it_there_and_nowhere_else(bound, port):
    """By an address of the LAN, if it is that one; by none, if it is a loopback address."""
    addresses = [address for address in ADDRESSES if address not in LOOPBACK]
    expected = [OPEN if address == BOUND[port] else REFUSED for address in addresses]
    assert outcomes(bound.client, [(address, port) for address in addresses]) == expected


@pytest.mark.parametrize("port", BOUND)
def test_another_program_has_the_same_port_of_other_addresses(bound, port):
    """It listens, and its clients reach it, not the copy."""
    for address in ADDRESSES:
        if address == BOUND[port]:
            continue
        with bound.listen(address, port) as server:
            server.settimeout(2)
            node = bound if address in LOOPBACK else bound.client
            with node.connect(address, port) as client:
                accepted, peer = server.accept()
                with accepted:
                    assert peer[:2] == client.getsockname()[:2]
    assert who(bound, BOUND[port], port) == "web-1"


def test_nobody_else_gets_the_port_of_that_address(bound):
    """Neither it alone nor all addresses."""
    for port, address in BOUND.items():
        for taken in (address, "::" if ":" in address else "0.0.0.0"):
            with pytest.raises(OSError, match="in use"):
                bound.listen(taken, port).close()


def test_a_loopback_address_is_not_reached_from_the_lan(bound):
    """Where somebody has set route_localnet on the uplink, for purposes of their own (CVE-2020-8558)."""
    gateway = mac(bound, "lan0")
    with Tap(bound.client) as tap:
        for address, port in (("127.0.0.1", 8081), ("127.0.0.2", 8085), ("::1", 8083)):
            tap.send(syn("2001:db8:1::2" if ":" in address else CLIENT, address, 6001, port), gateway)
        tap.send(syn(CLIENT, LAN, 6200, 8082), gateway)
        seen = tap.until(lambda segment: (segment.destination_port, segment.flags) == (6200, SYN_ACK))
    assert [segment.destination_port for segment in seen if segment.flags == SYN_ACK] == [6200]


def test_the_rules_tell_the_address(bound):
    """One map and one set for each family, with the address beside the port; every rule has its comment."""
    text = bound.run(["nft", "list", "table", "inet", "portmux"]).stdout
    blocks = dict(re.findall(r"^\t(?:map|set) (\S+) {\n(.*?)^\t}", text, re.MULTILINE | re.DOTALL))
    for port, address in BOUND.items():
        version = 6 if ":" in address else 4
        comment = rf"port {port} of {re.escape(address)}, shared by the copies: round-robin"
        element = rf"\btcp \. {re.escape(address)} \. {port} comment \"{comment}\" : goto shared-tcp-{port}"
        assert re.search(element, blocks[f"published{version}"])
        assert f"tcp . {address} . {port}" in blocks[f"reserved{version}"]
    assert "elements" not in blocks["published"] + blocks["reserved"]
    for rule in re.findall(r"^\t\t(.*@(?:published|reserved)[46].*)$", text, re.MULTILINE):
        assert re.search(r' comment "[^"]{8,}"$', rule)


def test_the_start_tells_the_address(bound):
    """As one would type it."""
    mappings = ", ".join(f"{url_host(address)}:{port} -> 8080" for port, address in BOUND.items())
    assert f"copy 1: {mappings}" in bound.run_of_copy.out.lines


def test_a_copy_reaches_itself_by_it(host, reporters):
    """By the host's address (hairpin), and by no other."""
    add_addresses(host)
    manager = start(host, reporters, *publish(f"{LAN}:8081:8080", f"[{LAN6}]:8082:8080")).wait_ready()
    copy = host.enter(manager.copy_process(1))
    assert who(copy, LAN, 8081) == who(copy, LAN6, 8082) == "web-1"
    assert outcomes(copy, [(SECOND, 8081), (SECOND6, 8082)]) == [REFUSED, REFUSED]


@pytest.mark.parametrize("address", [LAN, LAN6, "127.0.0.1"])
def test_it_is_refused_while_no_copy_listens(host, stand_in, address):
    """At that address; at another one a program of the host's has the same port, and is served meanwhile."""
    add_addresses(host)
    stand_in.place(1, "behaviour", "never-listen")
    other = SECOND6 if ":" in address else SECOND
    with host.listen(other, 8081):
        manager = start(host, stand_in, *publish(f"{url_host(address)}:8081:8080"))
        wait_until(lambda: reserved(host, address), 5, "there are rules, and the port is held")
        nodes = [host] if address in LOOPBACK else [host, host.client]
        for node in nodes:
            assert outcomes(node, [(address, 8081)]) == [REFUSED]
        for node in (host, host.client):
            assert outcomes(node, [(other, 8081)]) == [OPEN]
        assert manager.stop() == 0


def reserved(host, address):
    """Whether a socket listens at port 8081 of the address."""
    return f"{url_host(address)}:8081" in host.run(["ss", "-Hltn", "( sport = 8081 )"]).stdout


@pytest.mark.host(sysctls={**bridge_netfilter(0), "net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0})
def test_udp_is_answered_from_that_address(host, project):
    """Each of them; at every other address the port is unreachable, as it is while no copy has it."""
    add_addresses(host)
    project.there("http_recorder.py").write_text(UDP_SERVER)
    bound_to = {5001: "127.0.0.1", 5002: LAN, 5003: "::1", 5004: LAN6}
    mappings = [f"{url_host(address)}:{port}:8080/udp" for port, address in bound_to.items()]
    manager = start(host, project, *publish(*mappings)).wait_ready()
    for port, address in bound_to.items():
        for other in ADDRESSES:
            nodes = [host] if other in LOOPBACK else [host, host.client]
            for node in nodes:
                assert call_udp(node, other, port) == ("web-1" if other == address else None), (other, port)
    assert manager.stop() == 0


def call_udp(node, address, port):
    """Send a datagram by a connected socket; return the answer, None if the port is unreachable."""

    def call():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect((address, port))
            client.send(b"who?")
            try:
                return client.recv(100).decode()
            except ConnectionRefusedError:
                return None

    return node.inside(call)


def test_two_runs_have_the_same_port_of_two_addresses(host, reporters):
    """Each is served by its own, while the other one is there, and after it has gone."""
    add_addresses(host)
    first = start(host, reporters, *publish(f"{LAN}:8081:8080", f"[{LAN6}]:8081:8080")).wait_ready()
    second = start(host, reporters, *publish(f"{SECOND}:8081:8080", f"[{SECOND6}]:8081:8080"), name="api").wait_ready()
    for node in (host, host.client):
        assert [who(node, address, 8081) for address in (LAN, LAN6, SECOND, SECOND6)] == ["web-1"] * 2 + ["api-1"] * 2
    assert first.stop() == 0
    assert outcomes(host.client, [(LAN, 8081), (LAN6, 8081)]) == [REFUSED, REFUSED]
    assert [who(host.client, address, 8081) for address in (SECOND, SECOND6)] == ["api-1", "api-1"]
    assert second.stop() == 0


def test_two_copies_have_the_same_port_of_two_addresses(host, reporters):
    """In one run: the first port of one mapping is the second one of the other."""
    add_addresses(host)
    manager = start(host, reporters, "-n", "2", *publish(f"{LAN}:8081+:8080", f"{SECOND}:8080+:8080")).wait_ready()
    assert (who(host.client, LAN, 8081), who(host.client, SECOND, 8081)) == ("web-1", "web-2")
    assert manager.stop() == 0


# Whether a port can be had that another program has: taken, asked for.
PAIRS = [
    ("0.0.0.0", "127.0.0.1"),
    ("0.0.0.0", LAN),
    ("0.0.0.0", "::1"),
    ("0.0.0.0", None),
    ("::", "127.0.0.1"),
    ("::", LAN6),
    ("127.0.0.1", None),
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "127.0.0.2"),
    ("127.0.0.1", LAN),
    (LAN, "127.0.0.1"),
    (LAN, SECOND),
    (LAN6, SECOND6),
    (LAN6, LAN6),
    (LAN6, None),
    ("::1", "127.0.0.1"),
]


def listening(host, address, kind):
    """Return a process of the host that listens at port 8081 of an address; its first line is its pid there."""
    process = host.popen(["/usr/bin/python3", "-c", LISTENER, address, 8081, kind])
    process.out.wait_for(r"^\d+$")
    return process


def bare_bind_works(host, address, kind):
    """Whether a program gets port 8081 of the address, or of all addresses of both families."""
    if address is None:
        return bare_bind_works(host, "0.0.0.0", kind) and bare_bind_works(host, "::", kind)

    def body():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as taker:
            if address == "::":
                taker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                taker.bind((address, 8081))
            except OSError:
                return False
        return True

    return host.inside(body)


@pytest.mark.parametrize(
    "taken, wanted, kind", [(*pair, "tcp") for pair in PAIRS] + [(*pair, "udp") for pair in PAIRS[::4]]
)
@pytest.mark.host(sysctls=bridge_netfilter(0))
def test_what_a_bare_bind_would_say_this_says(host, reporters, taken, wanted, kind):
    """In use, with the program that has it; or served, beside that program."""
    add_addresses(host)
    if kind == "udp":
        reporters.there("http_recorder.py").write_text(UDP_SERVER)
    others = ["127.0.0.77", SECOND6, "127.0.0.78"] if wanted and taken not in ("0.0.0.0", "::") else []
    listeners = [other for other in others[:1] + [taken] + others[1:] if other != wanted or other == taken]
    holder = {address: listening(host, address, kind) for address in listeners}[taken]
    pid = holder.out.lines[0]
    works = bare_bind_works(host, wanted, kind)
    prefix = f"{url_host(wanted)}:" if wanted else ""
    manager = start(host, reporters, *publish(f"{prefix}8081:8080/{kind}"))
    if works:
        manager.wait_ready(30)
        assert manager.stop() == 0
        assert holder.running
    else:
        of = f" of {re.escape(wanted)}" if wanted else ""
        assert manager.wait() == FAILED
        line = rf"^portmux: {kind.upper()} port 8081{of} is in use by python3 \(pid {pid}\): stop that program first$"
        manager.err.wait_for(line)
        assert len(manager.err.lines) == 1


@pytest.mark.parametrize("hostport", ["8081", ""])
@pytest.mark.parametrize("family", ABSENT)
def test_an_address_that_the_host_does_not_have(host, reporters, family, hostport):
    """Said in one line, before anything is made."""
    address = ABSENT[family]
    manager = start(host, reporters, *publish(f"{url_host(address)}:{hostport}:8080"))
    assert manager.wait() == USAGE
    assert manager.err.lines == [f"portmux: {address}: this host has no such address"]
    assert not reporters.copies.exists()


@pytest.mark.host(sysctls=bridge_netfilter(1))
def test_loopback6_alone_where_bridged_packets_are_filtered(host, reporters):
    """It could never be answered there: one line says why, and what to do."""
    manager = start(host, reporters, *publish("[::1]:8081:8080"))
    assert manager.wait() == FAILED
    line = r"^portmux: \[::1\]:8081: .*net\.bridge\.bridge-nf-call-ip6tables is 1: use 127\.0\.0\.1, or set it to 0$"
    manager.err.wait_for(line)
    assert len(manager.err.lines) == 1


# ---- Without root ----------------------------------------------------------------------------------


@pytest.fixture
def plain(host):
    """A project of a plain user."""
    home = host.home(PLAIN_USER)
    home.install(REPORTER)
    return home


@pytest.mark.host(own_dev=True)
def test_without_root_it_is_reached_there_and_nowhere_else(host, plain):
    """pasta listens at that address alone."""
    add_addresses(host)
    there = {8081: "127.0.0.1", 8082: LAN, 8083: "::1", 8084: LAN6}
    mappings = [f"{url_host(address)}:{port}:8080" for port, address in there.items()]
    manager = start(host, plain, *publish(*mappings), user=PLAIN_USER).wait_ready()
    for port, bound_to in there.items():
        expected = [OPEN if address == bound_to else REFUSED for address in ADDRESSES]
        assert outcomes(host, [(address, port) for address in ADDRESSES], 2) == expected
        assert who(host, bound_to, port) == "web-1"
    assert outcomes(host.client, [(LAN, 8081), (LAN, 8082), (LAN6, 8084)], 2) == [REFUSED, OPEN, OPEN]
    assert manager.stop() == 0


@pytest.mark.host(own_dev=True)
def test_without_root_a_port_has_one_address(host, plain):
    """In the run's own network nobody could tell them apart: one line says so."""
    manager = start(host, plain, *publish(f"{LAN}:8081:8080", "127.0.0.1:8081:8080"), user=PLAIN_USER)
    assert manager.wait() == FAILED
    manager.err.wait_for(r"^portmux: port 8081: of one address only, without root; with sudo each address can have its own$")
    assert len(manager.err.lines) == 1
