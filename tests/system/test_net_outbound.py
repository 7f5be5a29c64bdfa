# SPDX-License-Identifier: GPL-2.0-or-later
"""Outbound: a copy reaches what the host reaches, as if the host itself had called; names and MTU fit."""

import json
import socket

import pytest
from harness import OPEN, Scene, addresses, outcomes

LAN2 = ("203.0.113.{}/24", "2001:db8:2::{}/64")


def caller(node, server_node, address, port=7001):
    """Connect from node to a server on server_node at address; return who it sees."""
    with server_node.listen(address, port) as server:
        server.settimeout(3)
        with node.connect(address, port), server.accept()[0] as accepted:
            return accepted.getpeername()[0]


@pytest.mark.parametrize(
    "there, host_address", [("198.51.100.2", "198.51.100.1"), ("2001:db8:1::2", "2001:db8:1::1")]
)
def test_a_copy_calls_a_server_on_the_lan(shared_scene, there, host_address):
    """Which sees the host, for it knows no way to the copies."""
    for number in (1, 2):
        assert caller(shared_scene.copy(number), shared_scene.client, there) == host_address


def test_by_each_uplink_with_that_ones_address(host, reporters):
    """Masqueraded by the link that the route leads to; while the LANs stay apart."""
    second = host.add_lan("lan1", *LAN2)
    host.remember()
    scene = Scene(host, reporters)
    assert caller(scene.copy(1), host.client, "198.51.100.2") == "198.51.100.1"
    assert caller(scene.copy(1), second, "203.0.113.2") == "203.0.113.1"
    assert caller(scene.copy(2), second, "2001:db8:2::2") == "2001:db8:2::1"
    with second.listen("::", 7001):
        assert OPEN not in outcomes(host.client, [("203.0.113.2", 7001), ("2001:db8:2::2", 7001)])


def test_by_an_uplink_that_appears_later(host, scene):
    """A VPN that is dialled during the run."""
    second = host.add_lan("lan1", *LAN2)
    assert caller(scene.copy(1), second, "203.0.113.2") == "203.0.113.1"
    assert caller(scene.copy(1), second, "2001:db8:2::2") == "2001:db8:2::1"
    assert scene.manager.stop() == 0
    host.run(["ip", "link", "del", "lan1"])


def test_beyond_the_lan_by_the_hosts_default_route(host, reporters):
    """The client on the LAN is the host's gateway to the rest of the world."""
    host.client.run(["ip", "addr", "add", "203.0.113.80/32", "dev", "lo"])
    host.run(["ip", "route", "add", "default", "via", "198.51.100.2"])
    host.remember()
    scene = Scene(host, reporters)
    assert caller(scene.copy(1), host.client, "203.0.113.80") == "198.51.100.1"


def test_what_nobody_serves_is_refused(shared_scene):
    """An error comes back to the copy as to a program of the host."""
    assert shared_scene.copy(1).refuses("198.51.100.2", 7009)


def test_a_large_transfer_out(shared_scene):
    """To a server on the LAN, whole."""
    size = 2_000_000
    with shared_scene.client.listen("198.51.100.2", 7001) as server:
        with shared_scene.copy(1).connect("198.51.100.2", 7001) as connection, server.accept()[0] as accepted:
            connection.setblocking(False)
            received = sent = 0
            while received < size:
                if sent < size:
                    sent += connection.send(bytes(min(size - sent, 65536)))
                received += len(accepted.recv(1 << 20))
    assert received == size


RESOLV_CONF = """# a comment
search example.org
nameserver 127.0.0.53
nameserver 198.51.100.2
nameserver 127.0.0.1
nameserver ::1
nameserver 2001:db8:1::2
options edns0
"""


def resolv_conf_inside(host, project, text, resolved=None):
    """Return the lines of a copy's resolv.conf where the host has text, and systemd-resolved its own."""
    host.root("/run/resolv.conf").write_text(text)
    host.run(["mount", "--bind", "/run/resolv.conf", "/etc/resolv.conf"])
    if resolved is not None:
        host.root("/run/systemd/resolve").mkdir(parents=True)
        host.root("/run/systemd/resolve/resolv.conf").write_text(resolved)
    host.remember()
    manager = host.start_manager(project).wait_ready()
    with open(f"/proc/{manager.copy_process(1)}/root/etc/resolv.conf", encoding="utf-8") as file:
        return file.read().splitlines()


def test_servers_that_a_copy_cannot_reach_are_left_out(host, reporters):
    """Those on the host's loopback; routable ones and all else are kept, in their order."""
    kept = [line for line in RESOLV_CONF.splitlines() if not line.split()[-1] in ("127.0.0.53", "127.0.0.1", "::1")]
    assert resolv_conf_inside(host, reporters, RESOLV_CONF) == kept


def test_servers_of_systemd_resolved(host, reporters):
    """Where the host names its local resolver only, that one's own servers are taken."""
    lines = resolv_conf_inside(host, reporters, "nameserver 127.0.0.53\n", "nameserver 198.51.100.2\n")
    assert lines == ["nameserver 198.51.100.2"]


def test_no_server_that_a_copy_could_reach(host, reporters):
    """None is left: a lookup fails at once, instead of after a time-out at the wrong place."""
    lines = resolv_conf_inside(host, reporters, "nameserver 127.0.0.53\nsearch example.org\n")
    assert not [line for line in lines if line.startswith("nameserver")]


LOOKS_UP = """#!/usr/bin/python3 -I
import signal, socket, threading
threading.Thread(target=socket.getaddrinfo, args=("www.example.org", 80), daemon=True).start()
server = socket.create_server(("", 8080))
signal.pause()
"""


def test_a_name_is_looked_up_from_a_copy(host, project):
    """By the server on the LAN that resolv.conf names: the question arrives there, from the host's address."""
    project.there("http_recorder.py").write_text(LOOKS_UP)
    with host.client.inside(server_of_names) as server:
        host.root("/run/resolv.conf").write_text("nameserver 127.0.0.53\nnameserver 198.51.100.2\n")
        host.run(["mount", "--bind", "/run/resolv.conf", "/etc/resolv.conf"])
        host.remember()
        host.start_manager(project).wait_ready()
        question, peer = server.recvfrom(512)
    assert b"\3www\7example\3org\0" in question
    assert peer[0] == "198.51.100.1"


def server_of_names():
    """Return a socket that gets the questions on the LAN."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.settimeout(3)
    server.bind(("198.51.100.2", 53))
    return server


LARGE = 65520


def mtu(node, link):
    """Return the MTU of a node's link."""
    return json.loads(node.run(["ip", "-j", "link", "show", "dev", link]).stdout)[0]["mtu"]


def mtu_of_way(node, address):
    """Return how long a packet from a node to an address may be."""
    (way,) = json.loads(node.run(["ip", "-j", "route", "get", address]).stdout)
    return way["metrics"][0]["mtu"] if "metrics" in way else mtu(node, way["dev"])


@pytest.mark.parametrize("size", [1400, 1500, 9000])
def test_the_mtu_follows_the_uplinks(host, reporters, size):
    """Of the way out of each copy; on the bridge, and to localhost, packets may be as long as they can be."""
    host.run(["ip", "link", "set", "lan0", "mtu", size])
    host.client.run(["ip", "link", "set", "eth0", "mtu", size])
    host.remember()
    scene = Scene(host, reporters)
    for number in (1, 2):
        copy = scene.copy(number)
        assert [mtu_of_way(copy, address) for address in ("198.51.100.2", "2001:db8:1::2")] == [size, size]
        assert mtu_of_way(copy, "10.90.0.2") == LARGE
        assert mtu_of_way(copy, addresses(copy, "eth0", 6)[0].rsplit(":", 1)[0] + ":2") == LARGE
    assert [mtu(host, link) for link in ("uva0", "uva0-1", "uva0-2")] == [LARGE] * 3


def test_the_mtu_follows_the_smallest_uplink(host, reporters):
    """With more than one, what fits all of them."""
    host.add_lan("lan1", *LAN2)
    host.run(["ip", "link", "set", "lan1", "mtu", "1400"])
    host.remember()
    assert mtu_of_way(Scene(host, reporters).copy(1), "198.51.100.2") == 1400


def test_without_an_uplink_the_mtu_is_ethernets(host, reporters):
    """Loopback's 65536 is no example to follow."""
    host.run(["ip", "link", "set", "lan0", "down"])
    host.run(["ip", "addr", "flush", "dev", "lan0"])
    host.remember()
    assert mtu_of_way(Scene(host, reporters).copy(1), "198.51.100.2") == 1500
