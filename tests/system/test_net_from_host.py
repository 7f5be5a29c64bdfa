# SPDX-License-Identifier: GPL-2.0-or-later
"""From the host itself: every address that is its own leads to the copies, and to nothing else of theirs."""

import contextlib
import socket

import pytest
from harness import OPEN, REFUSED, ask, outcomes

COPIES = (1, 2)
IPV4 = ["127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "198.51.100.1"]


def assert_reaches_both(node, address):
    """Each port is its own copy's."""
    assert [ask(node, address, 8080 + number).copy for number in COPIES] == list(COPIES)


@pytest.mark.parametrize("address", IPV4)
def test_every_ipv4_address_of_the_host(shared_scene, address):
    """127/8, and what it has on the LAN."""
    assert_reaches_both(shared_scene.host, address)


@pytest.mark.parametrize("index", [0, 1], ids=["gateway", "own-source"])
@pytest.mark.parametrize("version", [4, 6])
def test_every_address_of_the_bridge(shared_scene, version, index):
    """The bridge's addresses are the host's own as well."""
    assert_reaches_both(shared_scene.host, shared_scene.bridge_addresses(version)[index])


def test_the_hosts_ipv6_address_on_the_lan(shared_scene):
    """For a program that listens on IPv6."""
    assert_reaches_both(shared_scene.host, "2001:db8:1::1")


def test_ipv6_localhost(shared_scene):
    """[::1] works in the kernel, or is refused at once where bridged packets go through the IP hooks."""
    if shared_scene.host.sysctl("net.bridge.bridge-nf-call-ip6tables") == "0":
        assert_reaches_both(shared_scene.host, "::1")
    else:
        assert outcomes(shared_scene.host, [("::1", 8081), ("::1", 8082)]) == [REFUSED, REFUSED]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3"])
def test_localhost_comes_from_an_address_of_its_own(shared_scene, address):
    """Not from the bridge's first, by which the host itself talks to a copy."""
    assert ask(shared_scene.host, address, 8081).peer == shared_scene.bridge_addresses()[1]


def test_ipv6_localhost_comes_from_an_address_of_its_own(shared_scene):
    """As with IPv4; where it is refused there is nothing to see."""
    if shared_scene.host.sysctl("net.bridge.bridge-nf-call-ip6tables") == "0":
        assert ask(shared_scene.host, "::1", 8081).peer == shared_scene.bridge_addresses(6)[1]


@pytest.mark.parametrize("version", [4, 6])
def test_the_host_talks_to_a_copy_by_the_bridges_first_address(shared_scene, version):
    """Were it the one that stands for localhost, both would compete for the same source ports."""
    gateway = shared_scene.bridge_addresses(version)[0]
    assert ask(shared_scene.host, shared_scene.copy_address(1, version), 8080).peer == gateway


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db8:1::1"])
def test_the_host_by_its_lan_address_is_seen_as_such(shared_scene, address):
    """The copy sees the address that the host itself has called from."""
    assert ask(shared_scene.host, address, 8081).peer == address


def test_the_same_source_port_on_two_addresses(shared_scene):
    """Two connections that differ only in the loopback address they go to do not collide in the masquerade."""
    port = 40001
    first = shared_scene.host.inside(lambda: _connection("127.0.0.1", port))
    second = shared_scene.host.inside(lambda: _connection("127.0.0.2", port))
    with first, second:
        for connection in (first, second):
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b"copy-1" in connection.makefile("rb").read()


def _connection(address, source_port):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.settimeout(3)
    connection.bind((address, source_port))
    connection.connect((address, 8081))
    return connection


@pytest.mark.parametrize("address", ["127.0.0.1", "198.51.100.1", "::1", "2001:db8:1::1"])
def test_another_program_on_the_same_port_by_udp(shared_scene, address):
    """TCP 8081 is copy 1's; UDP 8081 is a server's of the host, as it would be without us."""
    host = shared_scene.host
    with contextlib.closing(host.inside(lambda: _udp_socket(address, 8081))) as server:
        clients = [host] if address in ("127.0.0.1", "::1") else [host, shared_scene.client]
        for node in clients:
            with contextlib.closing(node.inside(lambda: _udp_socket(address[:0], 0, server.family))) as client:
                client.sendto(b"ping", (address, 8081))
                server.sendto(b"pong", server.recvfrom(16)[1])
                assert client.recv(16) == b"pong"
        assert ask(host, "127.0.0.1", 8081).copy == 1


def _udp_socket(address, port, family=None):
    family = family or (socket.AF_INET6 if ":" in address else socket.AF_INET)
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.settimeout(2)
    server.bind((address, port))
    return server


def test_other_ports_of_the_host_are_its_own(shared_scene):
    """A server of the host is reached from the host and the LAN; a port without one is refused at once."""
    host = shared_scene.host
    with host.listen("::", 8083):
        for node, address in ((host, "127.0.0.1"), (shared_scene.client, "198.51.100.1")):
            assert outcomes(node, [(address, 8083), (address, 8084), (address, 8080)]) == [OPEN, REFUSED, REFUSED]


def test_a_large_answer_arrives_whole(shared_scene):
    """Megabytes, from the host and from the LAN, over IPv4 and IPv6."""
    for node, address in (
        (shared_scene.host, "127.0.0.1"),
        (shared_scene.client, "198.51.100.1"),
        (shared_scene.client, "2001:db8:1::1"),
    ):
        assert len(ask(node, address, 8081, path="/bytes/3000000").body) == 3000000
