# SPDX-License-Identifier: GPL-2.0-or-later
"""From the copies: each other and themselves by the host's ports, never past them; neighbours likewise."""

import pytest
from harness import BRIDGE, OPEN, SYN, SYN_ACK, Scene, Tap, ask, bridge_netfilter, mac, outcomes, syn, wait_until

OF_THIS_NETWORK = ("gateway", "localhost's source", "a caller's source")
HOST_ADDRESSES = ["198.51.100.1", "2001:db8:1::1", *(f"{name} {v}" for name in OF_THIS_NETWORK for v in (4, 6))]
UNPUBLISHED = 9000


def resolved(scene, name):
    """Return an address of HOST_ADDRESSES as such."""
    which, _, version = name.rpartition(" ")
    if not which:
        return name
    return (*scene.bridge_addresses(int(version)), scene.caller_address(2, int(version)))[OF_THIS_NETWORK.index(which)]


@pytest.mark.parametrize("address", HOST_ADDRESSES)
@pytest.mark.parametrize("to", ["the other", "itself"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_copy_reaches_by_a_host_port(shared_scene, number, to, address):
    """A copy calls the other one and itself, by each address of the host."""
    target = number if to == "itself" else 3 - number
    assert ask(shared_scene.copy(number), resolved(shared_scene, address), 8080 + target).copy == target


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("number", [1, 2])
def test_a_copy_comes_by_an_address_of_its_own(shared_scene, number, version):
    """To the other one and to itself: not by localhost's, nor by that of another copy."""
    address = {4: "198.51.100.1", 6: "2001:db8:1::1"}[version]
    peers = [ask(shared_scene.copy(number), address, port).peer for port in (8081, 8082)]
    assert peers == [shared_scene.caller_address(number, version)] * 2


@pytest.mark.parametrize("version", [4, 6])
def test_a_copy_does_not_reach_the_other_by_its_own_address(shared_scene, version):
    """Neither its published program nor another port; the host reaches both, the copy its own."""
    target = shared_scene.copy_address(2, version)
    with shared_scene.copy(2).listen("::", UNPUBLISHED):
        targets = [(target, 8080), (target, UNPUBLISHED)]
        assert OPEN not in outcomes(shared_scene.copy(1), targets)
        assert outcomes(shared_scene.host, targets) == [OPEN, OPEN]
        assert outcomes(shared_scene.copy(2), targets) == [OPEN, OPEN]


def test_a_copy_does_not_reach_the_other_by_its_link_local_address(shared_scene):
    """What IPv6 gives to every link, without any route."""
    address = wait_until(lambda: link_local(shared_scene.copy(2)), 4, "copy 2 has made sure that nobody else has its")
    with shared_scene.copy(2).listen("::", UNPUBLISHED):
        targets = [(f"{address}%eth0", 8080), (f"{address}%eth0", UNPUBLISHED)]
        assert OPEN not in outcomes(shared_scene.copy(1), targets)
        assert outcomes(shared_scene.host, [(f"{address}%{BRIDGE}", 8080)]) == [OPEN]


def link_local(node):
    """Return the link-local address of a copy's link, once it can be used."""
    words = node.run(["ip", "-6", "addr", "show", "dev", "eth0", "scope", "link"]).stdout.split()
    return "" if "tentative" in words else words[words.index("inet6") + 1].split("/")[0]


@pytest.mark.parametrize("iptables, ip6tables", [(0, 1), (1, 0)])
@pytest.mark.parametrize("version", [4, 6])
def test_where_only_one_family_is_filtered_on_bridges(host, reporters, version, iptables, ip6tables):
    """Copies are kept apart, and reach each other by host ports, in both families."""
    host.set_sysctls(bridge_netfilter(iptables, ip6tables))
    host.remember()
    scene = Scene(host, reporters)
    address = {4: "198.51.100.1", 6: "2001:db8:1::1"}[version]
    assert OPEN not in outcomes(scene.copy(1), [(scene.copy_address(2, version), 8080)])
    assert [ask(scene.copy(1), address, 8080 + number).copy for number in (1, 2)] == [1, 2]


@pytest.mark.parametrize("version", [4, 6])
def test_an_unpublished_port_of_a_copy_by_the_hosts_addresses(shared_scene, version):
    """What listens in copy 2 beside its program is reached by nobody: the port is the host's, and refused."""
    address = {4: "198.51.100.1", 6: "2001:db8:1::1"}[version]
    with shared_scene.copy(2).listen("::", UNPUBLISHED):
        for node in (shared_scene.copy(1), shared_scene.host, shared_scene.client):
            assert OPEN not in outcomes(node, [(address, UNPUBLISHED)])


def test_a_server_of_the_host_is_reached_by_a_copy_as_from_the_lan(shared_scene):
    """One that listens on all addresses is; one on 127.0.0.1 or ::1 is not, and a copy's localhost is its own."""
    copy = shared_scene.copy(1)
    with shared_scene.host.listen("::", 7001):
        addresses = ["198.51.100.1", "2001:db8:1::1", *(shared_scene.bridge_addresses(v)[0] for v in (4, 6))]
        assert outcomes(copy, [(address, 7001) for address in addresses]) == [OPEN] * 4
        assert OPEN not in outcomes(copy, [("127.0.0.1", 7001), ("::1", 7001)])


def test_a_copy_that_sends_to_the_hosts_loopback(shared_scene):
    """By a packet made by hand, to the bridge's MAC address: it gets no answer; its twin to a host port does."""
    own, gateway = shared_scene.copy_address(1), mac(shared_scene.host, BRIDGE)
    own6 = shared_scene.copy_address(1, 6)
    forbidden = [
        syn(own, "127.0.0.1", 5001, 7001),
        syn(own, "127.0.0.1", 5002, 8082),
        syn("127.0.0.1", "127.0.0.1", 5003, 7001),
        syn(own6, "::1", 5004, 7001),
        syn(own6, "::1", 5005, 8082),
    ]
    with shared_scene.host.listen("::", 7001), Tap(shared_scene.copy(1)) as tap:
        for packet in forbidden:
            tap.send(packet, gateway)
        tap.send(syn(own, "198.51.100.1", 5006, 7001), gateway)
        seen = tap.until(lambda segment: (segment.destination_port, segment.flags) == (5006, SYN_ACK))
    assert [segment.destination_port for segment in seen if segment.flags == SYN_ACK] == [5006]


def test_a_copy_that_speaks_as_somebody_else(shared_scene):
    """With the other copy's, the client's or an unknown source address nothing reaches the other copy or the LAN."""
    gateway = mac(shared_scene.host, BRIDGE)
    sources = ["198.51.100.2", "203.0.113.9", "127.0.0.1", "2001:db8:1::2", "2001:db8:9::1"]
    with Tap(shared_scene.copy(1)) as tap, Tap(shared_scene.copy(2)) as there, Tap(shared_scene.client) as lan:
        for number, source in enumerate(sources):
            version = 6 if ":" in source else 4
            host_address = {4: "198.51.100.1", 6: "2001:db8:1::1"}[version]
            tap.send(syn(source, host_address, 5100 + number, 8082), gateway)
            tap.send(syn(source, {4: "198.51.100.2", 6: "2001:db8:1::2"}[version], 5100 + number, 7001), gateway)
        own = shared_scene.copy_address(1)
        tap.send(syn(own, "198.51.100.1", 5200, 8082), gateway)
        tap.send(syn(own, "198.51.100.2", 5201, 7001), gateway)
        seen = there.until(lambda segment: segment.destination_port == 8080 and segment.flags == SYN)
        seen += lan.until(lambda segment: segment.destination_port == 7001)
    arrived = [segment for segment in seen if segment.flags == SYN]
    assert [segment.destination_port for segment in arrived] == [8080, 7001]
    assert [segment.source for segment in arrived] == [shared_scene.caller_address(1), "198.51.100.1"]


def test_a_neighbour_container(host, scene, neighbours):
    """A copy of another run: reaches ours by the host's ports, and is reached so; directly neither."""
    other = Scene(host, neighbours, "9081", "1", bridge="uva1")
    for version, address in ((4, "198.51.100.1"), (6, "2001:db8:1::1")):
        assert ask(other.copy(1), address, 8082).copy == 2
        assert ask(scene.copy(1), address, 9081).copy == 1
        assert OPEN not in outcomes(other.copy(1), [(scene.copy_address(1, version), 8080)])
        assert OPEN not in outcomes(scene.copy(1), [(other.copy_address(1, version), 8080)])
        assert outcomes(host, [(scene.copy_address(1, version), 8080)]) == [OPEN]
        assert outcomes(host, [(other.copy_address(1, version), 8080)]) == [OPEN]


def test_ipv6_localhost_with_two_runs(host, reporters, neighbours):
    """[::1] leads to the copies of both."""
    host.set_sysctls(bridge_netfilter(0))
    host.remember()
    Scene(host, reporters)
    Scene(host, neighbours, "9081", "2", bridge="uva1")
    assert [ask(host, "::1", port).copy for port in (8081, 8082, 9081, 9082)] == [1, 2, 1, 2]
